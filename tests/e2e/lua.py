#!/usr/bin/env python3
"""What integrators do at the command line: a script on one event, lines as they are typed, coverage of the cases."""
import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/faults"))
from rig.daemon import arguments_of, exit_code_of, expect  # noqa: E402

EVENT = {"specversion": "1.0", "id": "l1", "source": "/forms", "type": "lead.created", "subject": "lead/forms:1",
         "data": {"lead": {"name": "Ada Lovelace", "email": "ada@bolt.example"}}}
LOOKUPS = "crm.find_company: [ { params: { domain: bolt.example }, answer: { name: Bolt, employees: 800, plan: team } } ]\n"
# What is typed, and what is shown for it.
TYPED = [
    ("local words = text.words(ctx.lead.name)", []),
    ("#words", ["2"]),
    ("return words[1]", ["ada"]),
    ("return { words[2],", []),
    ("  #words }", ['["lovelace",2]']),
    ("local first = text.upper(words[1])", []),
    ('("-"):rep(3)', ["---"]),
    ("text.trim(", []),
    ('  " a ")', ["a"]),
    ('ctx.set("lead.priority", "high")', ["changed  lead.priority: nothing → \"high\"  (lua)"]),
    ('ctx.log("seen", 3)', ["seen 3"]),
    ("local x = = 1", []),
    ('error("no")', []),
    ('ctx.call("crm.find_company", { domain = "bolt.example" }).name', ["Bolt"]),
    ("words[2]", ["lovelace"]),
    ("for i, word in ipairs(words) do", []),
    ("  ctx.log(i, word)", []),
    ("end", ["1 ada", "2 lovelace"]),
    ('ctx:set("lead.priority", "low")', []),
]


class Desk:
    def __init__(self, arguments):
        self.program = arguments.signalbox
        self.work = Path(arguments.work).resolve()
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.acme = self.work / "acme"
        shutil.copytree(ROOT / "examples/acme", self.acme)
        (self.work / "event.json").write_text(json.dumps(EVENT))
        (self.work / "lookups.yaml").write_text(LOOKUPS)

    def run(self, *words, code=0, stdin=""):
        done = subprocess.run([self.program, *map(str, words)], capture_output=True, text=True, input=stdin, timeout=120)
        expect(done.returncode == code, f"{words} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout, done.stderr

    def lua(self, *words, **options):
        return self.run("lua", self.acme, *words, "--event", self.work / "event.json", "--lookups",
                        self.work / "lookups.yaml", **options)


def run_a_function(desk):
    shown, _ = desk.lua("scripts/enrich.lua#run")
    expect('lead.score: nothing → 85' in shown and "hot" not in shown, f"other rules speak, or this one does not: {shown}")
    decision = json.loads(desk.lua("scripts/enrich.lua#run", "--json")[0])
    expect(decision["fired"] == ["lua"], f"fired {decision['fired']}")
    shown, _ = desk.lua("scripts/enrich.lua#runn", code=1)
    expect("runn" in shown, f"a wrong name is not named: {shown}")
    (desk.acme / "scripts/broken.lua").write_text(
        "local function deep(ctx)\n  return ctx.lead.missing.thing\nend\nreturn { run = function(ctx) deep(ctx) end }\n")
    shown, said = desk.lua("scripts/broken.lua#run", code=1)
    expect("failed   lua: scripts/broken.lua:2: attempt to index" in shown and
           "scripts/broken.lua:2: in" in shown, f"no place or traceback: {shown} {said}")
    (desk.acme / "scripts/broken.lua").write_text(
        "return { run = function(ctx)\n  ctx.set('lead.companny', 'x')\nend, yes = function(ctx) return true end }\n")
    shown, _ = desk.lua("scripts/broken.lua#run", code=1)
    expect('scripts/broken.lua:2: unknown field "lead.companny", did you mean "lead.company"?' in shown,
           f"no place of what is found behind the run: {shown}")
    shown, _ = desk.lua("scripts/broken.lua#yes")
    expect("returned true" in shown, f"what it returns is not shown: {shown}")


def run_a_connectors_function(desk):
    folder = desk.acme / "connectors/post"
    folder.mkdir()
    (folder / "post.lua").write_text(
        "return { phone = function(ctx) return ctx.value:gsub('%D', '') end,\n"
        "  bad = function(ctx) return ctx.value.x.y end }\n")
    (folder / "connector.yaml").write_text(
        "name: post\ntitle: Post\ndescription: Letters, read by somebody.\nsettings: {}\n")

    def run(function, value, code=0):
        return desk.run("lua", desk.acme, "connectors/post/post.lua#" + function, "--value", value, code=code)
    try:
        expect(run("phone", '"+49 (30) 1-2"')[0] == '"493012"\n', "a function of a connector is not run")
        expect("connectors/post/post.lua:2" in run("bad", "{}", code=1)[1], "its failure has no place")
        expect("--value is for" in desk.run("lua", desk.acme, "scripts/enrich.lua#run", "--value", "1", code=2)[1],
               "another script takes a value")
        expect("--value JSON" in desk.lua("connectors/post/post.lua#phone", code=2)[1], "it takes an event")
    finally:
        shutil.rmtree(folder)


def beside_a_whole_file(desk):
    (desk.acme / "scripts/whole.lua").write_text('ctx.log(ctx.lead.name)\n')
    (desk.acme / "rules/whole.yaml").write_text(
        "rules:\n  - id: whole\n    on: lead.created\n    then:\n      - lua: scripts/whole.lua\n")
    shown, _ = desk.lua("scripts/enrich.lua#run")
    expect('lead.score: nothing → 85' in shown, f"another file that is used whole is in the way: {shown}")
    shown, _ = desk.lua("scripts/whole.lua")
    expect("Ada Lovelace" in shown, f"a file that is used whole does not run: {shown}")
    (desk.acme / "rules/whole.yaml").unlink()
    (desk.acme / "scripts/whole.lua").unlink()


def type_lines(desk):
    shown, said = desk.lua(stdin="".join(line + "\n" for line, _ in TYPED), code=1)
    wanted = [answer for _, answers in TYPED for answer in answers]
    found = [line for line in shown.splitlines() if not line.startswith(("failed", " "))]
    expect(found == wanted, f"{wanted} expected, {found} came ({said})")
    expect("scripts/typed.lua" in said, f"nothing is said of the line that does not compile: {said}")
    desk.lua(stdin="ctx.lead.name\n")


def say_what_was_found(desk):
    shown, _ = desk.run("dry-run", desk.acme, "--event", desk.work / "event.json", "--lookups",
                        desk.work / "lookups.yaml", "--explain")
    expect('looked up\n    crm.find_company {"domain":"bolt.example"} → {"employees":800,' in shown,
           f"what was looked up is not explained: {shown}")
    shown, _ = desk.run("dry-run", desk.acme, "--event", desk.work / "event.json", "--explain")
    expect('crm.find_company {"domain":"bolt.example"} → ' in shown, f"what nobody answered is not explained: {shown}")


def cover(desk):
    report = json.loads(desk.run("test", desk.acme, "--coverage", "--json")[0])
    missed = {one["file"]: one["missed"] for one in report["coverage"] if one["file"] != "scripts/broken.lua"}
    expect(len(missed) >= 4 and not any(missed.values()), f"acme's cases leave lines out: {missed}")
    broken = next(one for one in report["coverage"] if one["file"] == "scripts/broken.lua")
    expect(2 in broken["missed"], f"a line that nobody runs is not missed: {broken}")


def run(arguments):
    desk = Desk(arguments)
    run_a_function(desk)
    run_a_connectors_function(desk)
    beside_a_whole_file(desk)
    type_lines(desk)
    say_what_was_found(desk)
    cover(desk)


def main():
    return exit_code_of(run, arguments_of(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
