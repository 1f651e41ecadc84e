"""The benchmark's command line: `python -m benchmarks COMMAND`."""

import argparse
import shlex
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks import agents, dialogues, document, report, runs, searches, tasks
from benchmarks.stage import StageError, staged
from devops_agent import recipe_choice
from devops_agent.engines.llama_cpp import LlamaCppChat

BREAKAGES = Path(__file__).resolve().parent / "breakages"
# What `devops-agent diagnose` has to reach: of 18 causes it names 15, each in 3 s.
_RIGHT, _SECONDS = 15 / 18, 3.0
_LEVER_TASKS = 20
_PLAIN_LOOP = "plain loop, Ollama"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; exit code 0 when it did what it should, 1 otherwise, 2 for a wrong usage."""
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is on the stage is removed
    # under nohup SIGHUP is ignored, and a service on the stage could not use it; a handler is not inherited
    signal.signal(signal.SIGHUP, lambda *_: None)
    try:
        return int(options.command(options))
    except ValueError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("benchmarks: interrupted; the same command goes on from here", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        return added

    run = command("run", _run, "run an agent on tasks; what the file holds already is not run again")
    null = command("null", _null, "judge agents that do nothing: none may pass outside the negative tasks")
    levers = command("levers", _levers, "take each lever away alone, on the tasks where it is at work")
    publish = command("publish", _publish, "make every run that docs/benchmarks.md reports, and write it")
    check = command("check", _check, "show of each task that doing nothing fails and its solution passes")
    diagnose = command("diagnose", _diagnose, "have `devops-agent diagnose` name the cause of each breakage")
    for added in (run, null, levers, publish, check, diagnose):
        # required, so that nobody's production is a test bed by accident
        added.add_argument("--kube-context", required=True, metavar="NAME", help="a cluster for tests")
    for added in (run, null, check, diagnose):
        added.add_argument("--suite", default="all", help="all, dev, test, a tag, or names with commas")
    for added in (run, null, check):
        added.add_argument("--dialogues", action="store_true", help="dialogues of some turns, not tasks")
    for added, results in ((run, None), (null, document.NULL), (levers, document.LEVERS)):
        added.add_argument(
            "--out", required=not results, default=results, type=Path, metavar="FILE", help="JSON lines"
        )
    run.add_argument("--repeat", type=int, default=1, metavar="N")
    run.add_argument("--agent", metavar="'COMMAND {prompt}'", help="another agent than devops-agent")
    run.add_argument("--name", help="the agent's name in the results")
    for added in (run, levers, publish):
        added.add_argument("arguments", nargs="*", help="behind --: arguments for devops-agent")
    publish.add_argument("--ollama-model", default="qwen2.5-coder:1.5b", metavar="NAME")
    publish.add_argument("--agent", action="append", default=[], metavar="NAME='COMMAND {prompt}'")
    compare = command("compare", _compare, "two results side by side")
    compare.add_argument("a", type=Path)
    compare.add_argument("b", type=Path)
    search = command("search", _search, "how often the right runbook is found, on labelled tasks")
    search.add_argument("--model", type=Path, metavar="FILE", help="a GGUF model that weighs what was found")
    command("document", _document, "write docs/benchmarks.md from the runs in benchmarks/results")
    command("list", _list, "the tasks, their split and tags")
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.agent and options.dialogues:
        raise ValueError("--agent is given a task, not the turns of a dialogue. Leave one of them out.")
    own = dialogues.agent if options.dialogues else agents.devops_agent
    agent = agents.other(options.agent) if options.agent else own(options.arguments)
    name = options.name or options.agent or " ".join(["devops-agent", *options.arguments])
    _run_agents(_suite(options), {name: agent}, options.kube_context, options.out, options.repeat)
    return 0


def _suite(options: argparse.Namespace) -> list[tasks.Task]:
    return tasks.select(dialogues.load() if options.dialogues else tasks.load(), options.suite)


def _null(options: argparse.Namespace) -> int:
    _run_agents(_suite(options), agents.NULL_AGENTS, options.kube_context, options.out, share=True)
    passed = [run for run in runs.read(options.out) if run.passed and "negative" not in run.tags]
    for run in passed:
        print(f"{run.task} lets the agent {run.agent!r} pass", file=sys.stderr)
    return 1 if passed else 0


def _levers(options: argparse.Namespace) -> int:
    suite = tasks.select(tasks.load(), "dev")
    step = len(suite) / _LEVER_TASKS
    session = document.session(sys.argv[1:])

    def show(task: tasks.Task, chosen: Mapping[str, agents.Agent]) -> None:
        _show(runs.run_all([task], chosen, 1, options.kube_context, options.out, session), named=True)

    for task in (suite[int(at * step)] for at in range(_LEVER_TASKS)):
        show(task, {document.WHOLE: agents.devops_agent(options.arguments, "")})
        # without a lever that was not at work the agent does the same once more
        at_work = document.at_work(runs.read(options.out), task.name)
        show(task, {document.without(name): agents.devops_agent(options.arguments, name) for name in at_work})
    return 0


def _publish(options: argparse.Namespace) -> int:
    everything, context, model = tasks.load(), options.kube_context, options.ollama_model
    on_ollama = ["--backend", "ollama", "--model", model]
    others = dict(given.split("=", 1) for given in options.agent)
    loop = shlex.join([sys.executable, str(agents.ROOT / "benchmarks" / "plain_loop.py"), model])
    others[_PLAIN_LOOP] = f"{loop} {{prompt}}"
    embedded = {"DevOps Agent, embedded": agents.devops_agent([*options.arguments, "--backend", "llama-cpp"])}
    _run_agents(everything, embedded, context, document.AGENTS, repeats=3)
    once = {"DevOps Agent, Ollama": agents.devops_agent([*options.arguments, *on_ollama])}
    once |= {name: agents.other(template) for name, template in others.items()}
    _run_agents(everything, once, context, document.AGENTS)
    options.out, options.suite, options.dialogues = document.NULL, "all", False
    code = _null(options)
    options.out = document.LEVERS
    return code or _levers(options) or _document(options)


def _document(options: argparse.Namespace) -> int:
    document.DOCUMENT.parent.mkdir(exist_ok=True)
    document.DOCUMENT.write_text(document.document(len(tasks.load())), encoding="utf-8")
    return 0


def _run_agents(
    suite: Sequence[tasks.Task],
    chosen: Mapping[str, agents.Agent],
    context: str,
    out: Path,
    repeats: int = 1,
    share: bool = False,
) -> None:
    session = document.session(sys.argv[1:])
    _show(runs.run_all(suite, chosen, repeats, context, out, session, share), named=len(chosen) > 1)
    names = {task.name for task in suite}
    done = [run for run in runs.read(out) if run.staged and run.task in names]
    for name in chosen:
        print(f"\n{name}\n{report.summary([run for run in done if run.agent == name])}")


def _show(done: Iterable[runs.Run], named: bool) -> None:
    for run in done:
        verdict = "pass" if run.passed else "FALSE CLAIM" if run.false_claim else "fail"
        verdict = verdict if run.staged else "NOT STAGED"
        steps, who = run.steps or "–", f"[{run.agent}] " if named else ""
        print(f"{verdict:11} {run.seconds:6.1f} s {steps:>3} {who}{run.task} {run.why}", flush=True)


def _check(options: argparse.Namespace) -> int:
    wrong = 0
    for task in _suite(options):
        problem = _problem(task, options.kube_context)
        wrong += bool(problem)
        print(f"{'WRONG' if problem else 'ok':5} {task.split:4} {task.name} {problem}", flush=True)
    return 1 if wrong else 0


def _problem(task: tasks.Task, context: str) -> str:
    try:
        with staged(task, 0, context) as stage:
            for name, agent in agents.NULL_AGENTS.items():
                if stage.judge(agent(stage).answer)[0]:
                    return f"the agent {name!r} passes"
            passed, why = stage.judge(stage.solve())
            return "" if passed else f"the solution does not pass: {why}"
    except StageError as error:
        return str(error)


def _diagnose(options: argparse.Namespace) -> int:
    agent = agents.other(f"{shlex.quote(str(agents.ROOT / 'devops-agent'))} diagnose {{prompt}}")
    suite = tasks.select(tasks.load(BREAKAGES), options.suite)
    right, slowest = 0, 0.0
    for task in suite:
        passed, seconds, why = _diagnosed(task, agent, options.kube_context)
        right, slowest = right + passed, max(slowest, seconds)
        print(f"{'ok' if passed else 'WRONG':5} {seconds:4.1f} s {task.name} {why}", flush=True)
    print(f"{right} of {len(suite)} right, slowest {slowest:.1f} s")
    return 0 if right >= _RIGHT * len(suite) and slowest < _SECONDS else 1


def _diagnosed(task: tasks.Task, agent: agents.Agent, context: str) -> tuple[bool, float, str]:
    try:
        with staged(task, 0, context) as stage:
            outcome = agent(stage)
            passed, why = stage.judge(outcome.answer)
            return passed, outcome.seconds, why if passed else f"{why}\n{outcome.answer.rstrip()}"
    except StageError as error:
        return False, 0.0, str(error)


def _compare(options: argparse.Namespace) -> int:
    print(report.comparison(*([r for r in runs.read(path) if r.staged] for path in (options.a, options.b))))
    return 0


def _search(options: argparse.Namespace) -> int:
    model = LlamaCppChat(options.model) if options.model else None
    found = []
    for outcome, name, task in searches.outcomes(model.weigh if model else recipe_choice.unweighed):
        print(f"{outcome:26} {name:28} {task}", flush=True)
        found.append(outcome)
    print(searches.summary(found))
    return 0


def _list(options: argparse.Namespace) -> int:
    for task in tasks.load():
        print(f"{task.split:4} {task.name:40} {' '.join(sorted(task.tags))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
