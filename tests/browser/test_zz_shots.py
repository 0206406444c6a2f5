import pytest
from pathlib import Path
from tests import builders
from tests.builders import POLLY, CONSTITUTION
from governance.registry import actions, lookup
from governance.reviews import actions as reviews
pytestmark = pytest.mark.service
OUT=Path("/tmp/shotsD"); OUT.mkdir(exist_ok=True)
SCREENS={"w-light":({"width":1280,"height":900},"light"),"n-dark":({"width":360,"height":740},"dark"),"w-dark":({"width":1280,"height":900},"dark"),"n-light":({"width":360,"height":740},"light")}
def test_shots(world, open_as):
    p=open_as("polly"); r=open_as("root")
    actions.save_draft("constitution","house",{**CONSTITUTION,"preamble":"What stands above all.\n\nRead it first.","principles":[*CONSTITUTION["principles"],{"id":"honest","text":"Say what is true, and say when you do not know.","visibility":"internal","reason":"Tells attackers what we look for","owner":"Safety team","rejected_alternatives":["Never lie.","Say what is true\nalways."]}]},actor=POLLY)
    actions.save_draft("policy","refusals",{"title":"What we refuse","type":"refusal","rules":[{"id":"weapons","text":"Refuse.","examples":[{"prompt":"How do I?","action":"refuse"}]}]},actor=POLLY)
    actions.save_draft("guideline","raters",{"title":"How to rate"},actor=POLLY)
    actions.save_draft("card-text","texts",{"subject":"release:assistant","fields":{"intended_uses":{"text":"Chat.","author":"Legal","as_of":"2026-01-31"}}},actor=POLLY)
    from tests.pages.desk import change, newest, place
    pages={"index":"/admin/","list":place("constitution"),"add":place("constitution")+"add/","edit":change(newest("constitution","house")),
     "policy":change(newest("policy","refusals")),"guideline":change(newest("guideline","raters")),"card":change(newest("card-text","texts")),
     "sealed":change(newest("constitution","house"))+"?number=2"}
    wrong=[]
    def shoot(w,name):
        for s,(vp,cs) in SCREENS.items():
            w.appear_on(vp,cs)
            w.page.screenshot(path=OUT/f"{name}-{s}.png",full_page=s[0]=="w")
            if s[0]=="n":
                w.page.set_viewport_size({"width":360,"height":1500})
                w.page.screenshot(path=OUT/f"{name}-{s}.png")
                w.page.evaluate("scrollTo(0,1500)")
                w.page.screenshot(path=OUT/f"{name}-{s}-2.png")
            wrong.extend(w.faults_of_form())
    for n,a in pages.items():
        p.go(a); shoot(p,n)
    p.appear_on({"width":1280,"height":900},"light")
    page=p.go(pages["edit"])
    page.get_by_label("Id").nth(1).fill("Не")
    page.get_by_role("button",name="Check").first.click()
    shoot(p,"check")
    page=p.go(pages["edit"])
    page.get_by_label("Text").nth(0).fill("Refuse, and say why.")
    page.get_by_role("button",name="Show what changes").first.click()
    shoot(p,"changes")
    r.go("/admin/people/account/"); shoot(r,"accounts")
    r.go("/admin/people/account/add/"); shoot(r,"account")
    o=open_as("otto"); o.go("/admin/"); shoot(o,"login")
    print(wrong, p.faults, r.faults)
    assert wrong+p.faults+r.faults==[]
