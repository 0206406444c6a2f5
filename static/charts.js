/* Curves from json_script data, and a run page that follows its job.

   <div data-chart="ID OF JSON" data-plotly="URL"> draws {x_title, y_title, series: [{name, x, y, axis?}]};
   values may be numbers or decimal text. Plotly is fetched once, when a chart comes into view.
   Data with an `x` axis of its own, {height, x, y, bands?, notes?, series: [{name, symbol, x, y, …}]}, is drawn as points with
   intervals: evals/pictures*.py make it. On paper every chart is drawn in the light colours and as wide as a page.

   <section data-stream="URL" data-step="LAST STEP"> listens to server-sent events:
     metrics  {"step": 12, "values": {"loss": "1.23"}}      a new point and a new first table row
     progress {"done": 12, "total": 80, "unit": "step"}
     log      {"at": "10:04:31", "event": "phase", "text": "…"}
     state    {"state": "succeeded"}                         the page is loaded again
   The first metric and the first progress load the page again too: they bring a chart and a bar that were not there.
   A stream that was cut is asked for again; answer 204 once the run has ended, and the browser stops asking. */
(() => {
  /* Pixels between the margins of a printed page. */
  const PAPER = 660;
  const charts = [];
  let library;

  const loadPlotly = (url) => {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => resolve(window.Plotly);
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  };

  /* Custom properties come back as written (light-dark(…)); only a real property is resolved to a colour. */
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };

  const traces = (data) => data.series.map((line, index) => ({
    name: line.name,
    x: line.x.map(Number),
    y: line.y.map(Number),
    yaxis: line.axis === "right" ? "y2" : "y",
    mode: line.x.length < 40 ? "lines+markers" : "lines",
    line: { color: colour(`--series-${(index % 4) + 1}`), width: 2, dash: index % 2 ? "dot" : "solid" },
    marker: { size: 5 },
  }));

  const layout = (data) => {
    const axis = { gridcolor: colour("--line"), linecolor: colour("--edge"), zeroline: false, automargin: true };
    const right = data.series.some((line) => line.axis === "right");
    const common = {
      height: 360,
      margin: { l: 52, r: right ? 52 : 12, t: 12, b: 44 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("--muted"), size: 12, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--edge"), font: { color: colour("--ink") } },
      hovermode: "x unified",
      showlegend: data.series.length > 1,
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    };
    if (data.x) return { ...common, ...plane(data, axis) };
    return {
      ...common,
      xaxis: { ...axis, title: { text: data.x_title } },
      yaxis: { ...axis, title: { text: data.y_title } },
      yaxis2: { ...axis, overlaying: "y", side: "right", showgrid: false },
    };
  };

  /* An end that was not recorded reaches nowhere. */
  const reach = (middle, low, high, shade) => low && {
    type: "data",
    symmetric: false,
    array: high.map((end, index) => (end === null ? 0 : end - middle[index])),
    arrayminus: low.map((end, index) => (end === null ? 0 : middle[index] - end)),
    color: shade,
    thickness: 2,
    width: 5,
  };

  const points = (data) => data.series.map((one, index) => {
    const shade = colour(one.tone ? `--${one.tone}` : `--series-${(index % 4) + 1}`);
    return {
      name: one.name,
      x: one.x.map(Number),
      y: one.y.map(Number),
      error_x: reach(one.x, one.x_low, one.x_high, shade),
      error_y: reach(one.y, one.y_low, one.y_high, shade),
      mode: ["markers", one.joined && "lines", one.named && "text"].filter(Boolean).join("+"),
      text: one.named ? one.names : one.labels,
      hovertext: one.labels,
      textposition: "top right",
      customdata: one.links,
      line: { color: shade, width: 1, dash: index % 2 ? "dash" : "dot" },
      marker: { color: shade, size: 11, symbol: one.symbol, line: { color: shade, width: 2 } },
    };
  });

  const plane = (data, grid) => {
    const axis = (said) => ({
      ...grid,
      title: { text: said.title },
      range: said.range.map(Number),
      visible: !said.hidden,
      zeroline: Boolean(said.zero),
      zerolinecolor: colour("--edge"),
      ...(said.ticks && { tickvals: said.ticks.map(([at]) => Number(at)), ticktext: said.ticks.map(([, text]) => text) }),
    });
    return {
      height: data.height,
      margin: { l: data.y.hidden ? 12 : 52, r: 12, t: 12, b: 44 },
      hovermode: "closest",
      xaxis: axis(data.x),
      yaxis: axis(data.y),
      shapes: (data.bands ?? []).map((band) => ({
        ...band,
        type: "rect",
        layer: "below",
        fillcolor: colour("--hover"),
        line: { color: colour("--edge"), width: 1, dash: "dash" },
      })),
      annotations: (data.notes ?? []).map((note) => ({
        ...note,
        xref: "paper",
        x: 0,
        xanchor: "left",
        yanchor: "bottom",
        yshift: 16,
        showarrow: false,
        font: { color: colour("--ink"), size: 12 },
      })),
    };
  };

  const draw = (chart, more = {}) => {
    if (!chart.plotly) return;
    const { data } = chart;
    const whole = data.x ? points(data) : traces(data);
    chart.plotly.react(chart.element, whole, { ...layout(data), ...more }, { displayModeBar: false, responsive: true });
  };

  const follows = (chart) => chart.element.on("plotly_click", ({ points: [point] }) => {
    if (point.customdata) location.assign(point.customdata);
  });

  const print = () => {
    document.documentElement.style.colorScheme = "light";
    charts.forEach((chart) => draw(chart, { width: PAPER }));
  };

  const printed = () => {
    document.documentElement.style.removeProperty("color-scheme");
    charts.forEach((chart) => {
      draw(chart);
      chart.plotly?.Plots.resize(chart.element);
    });
  };

  const fail = (chart) => {
    chart.element.classList.add("chart-failed");
    chart.element.textContent = "The chart could not be loaded. The table holds the same values; load the page again to retry.";
  };

  const setUp = (element) => {
    const chart = { element, data: JSON.parse(document.getElementById(element.dataset.chart).textContent) };
    charts.push(chart);
    new IntersectionObserver(async (seen, observer) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      observer.disconnect();
      try {
        chart.plotly = await loadPlotly(element.dataset.plotly);
        draw(chart);
        follows(chart);
      } catch {
        fail(chart);
      }
    }, { rootMargin: "200px" }).observe(element);
  };

  const addPoint = (chart, message) => {
    for (const [name, value] of Object.entries(message.values)) {
      const line = chart.data.series.find((one) => one.name === name);
      if (!line) continue;
      line.x.push(message.step);
      line.y.push(value);
    }
    draw(chart);
  };

  /* As training/views.py rounds: five digits, whole numbers as they are. */
  const rounded = (text) => (text.includes(".") ? String(Number(Number(text).toPrecision(5))) : text);

  const addRow = (section, message) => {
    const body = section.querySelector("[data-metrics]");
    if (!body) return;
    const names = [...body.closest("table").querySelectorAll("th[data-name]")].map((head) => head.dataset.name);
    const row = document.createElement("tr");
    const step = document.createElement("th");
    step.scope = "row";
    step.textContent = message.step;
    row.append(step);
    for (const name of names) {
      const cell = document.createElement("td");
      cell.className = "number";
      cell.textContent = rounded(message.values[name] ?? "");
      cell.title = message.values[name] ?? "";
      row.append(cell);
    }
    body.prepend(row);
    while (body.rows.length > 9) body.lastElementChild.remove();
  };

  const addLog = (section, message) => {
    const log = section.querySelector("[data-log]");
    if (!log) return;
    const item = document.createElement("li");
    item.dataset.event = message.event;
    for (const [tag, name, text] of [["time", "", message.at], ["span", "event", message.event], ["span", "text", message.text]]) {
      const part = document.createElement(tag);
      part.className = name;
      part.textContent = text;
      item.append(part);
    }
    log.prepend(item);
  };

  const showProgress = (section, message) => {
    const bar = section.querySelector("progress");
    bar.max = message.total;
    bar.value = message.done;
    section.querySelector("[data-progress-text]").textContent = `${message.done} of ${message.total} ${message.unit}${message.total === 1 ? "" : "s"}`;
  };

  /* A reconnecting stream may repeat rows: a step is taken once. */
  const follow = (section) => {
    let last = Number(section.dataset.step || -1);
    let state = section.dataset.state;
    const source = new EventSource(section.dataset.stream);
    const again = () => {
      source.close();
      location.reload();
    };
    const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
    on("metrics", (message) => {
      if (message.step <= last) return;
      if (!section.querySelector("[data-metrics]")) return again();
      last = message.step;
      charts.filter((chart) => section.contains(chart.element)).forEach((chart) => addPoint(chart, message));
      addRow(section, message);
    });
    on("progress", (message) => (section.querySelector("progress") ? showProgress(section, message) : again()));
    on("log", (message) => addLog(section, message));
    on("state", (message) => {
      if (message.state === state) return;
      state = message.state;
      again();
    });
    addEventListener("pagehide", () => source.close());
  };

  document.addEventListener("themechange", () => charts.forEach((chart) => draw(chart)));
  addEventListener("beforeprint", print);
  addEventListener("afterprint", printed);
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-chart]").forEach(setUp);
    document.querySelectorAll("[data-stream]").forEach(follow);
  });
})();
