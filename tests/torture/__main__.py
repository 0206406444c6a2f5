"""`python -m tests.torture`: kill real processes of the ledger, at each crash point and at random, and look after each kill.

Exit code 0 only if everything that must hold did.
"""

import argparse
import secrets
import signal
import sys
import time
from collections import Counter

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.torture.installation import DATABASES, scratch
from tests.torture.points import POINTS


def main() -> int:
    options = _options()
    console = Console(soft_wrap=True)
    console.print(f"{options.on}: {options.kills} kills, --seed {options.seed} --first {options.first}")
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with scratch(options.on) as place:
        # Its models can be imported only now.
        from tests.torture.campaign import Broken, Campaign, children

        campaign = Campaign(place, options.seed, options.first)
        try:
            with Progress(console=console, transient=True) as bar:
                task = bar.add_task(options.on, total=options.kills)
                campaign.run(options.kills, lambda done: bar.update(task, completed=done))
        except Broken as error:
            console.print(str(error), markup=False)
            return 1
        finally:
            children.kill_all()
    console.print(_table(campaign.kills))
    console.print(
        f"{campaign.kills.total()} kills in {time.monotonic() - began:.0f} s, {len(campaign.wanted)} acknowledged writes,"
        f" {len(campaign.doubtful)} in doubt, {len(campaign.seen.notes)} checkpoints seen."
    )
    console.print(f"{campaign.reached} of {len(POINTS)} crash points reached. Everything holds.")
    return 0


def _table(kills: Counter[str]) -> Table:
    """By role: how many died, at how many different named points, and how many at random moments."""
    table = Table("role", "died at named points", "different points", "died at random moments")
    for role in ("writer", "runner", "witness"):
        named = {
            where: times
            for where, times in kills.items()
            if where.startswith(f"{role} ") and "random" not in where
        }
        table.add_row(
            role, str(sum(named.values())), str(len(named)), str(kills[f"{role} at a random moment"])
        )
    return table


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture",
        description=__doc__,
        epilog="example: python -m tests.torture --on sqlite --kills 100",
    )
    parser.add_argument(
        "--on", choices=DATABASES, default=DATABASES[0], help="the database (default: %(default)s)"
    )
    parser.add_argument(
        "--kills",
        type=int,
        default=1000,
        help="how many processes must die, or as many more as it takes to reach each crash point (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="repeats who dies where")
    parser.add_argument(
        "--first", type=int, default=0, help="the round to begin with, such as the one that failed"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
