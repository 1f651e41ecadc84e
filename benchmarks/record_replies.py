#!/usr/bin/env python3
"""Records what a small model writes when nothing constrains it: the raw material of tests/data/replies.jsonl.

    benchmarks/record_replies.py --model-path FILE.gguf --model-name qwen2.5-coder-1.5b --out replies.jsonl

Each prompt runs once at temperature 0, and every third once more at 0.8 with a fixed seed. A line is appended
to the output for each reply, whole and untrimmed: {model, system, prompt, temperature, seed, reply}, where
`system` is the name of one of the system prompts below.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from devops_agent.protocol import Call, format_tool_response, system_prompt

MAX_TOKENS = 160
SEED = 7
WARM = 0.8


@dataclass(frozen=True)
class Tool:
    """What the protocol needs to know of a tool."""

    name: str
    description: str
    inputs: dict[str, dict[str, Any]]


def _tool(name: str, description: str, *inputs: str) -> Tool:
    return Tool(name, description, {key: {"type": "string", "description": key} for key in inputs})


TOOLS = (
    _tool("read_file", "Read a text file.", "path"),
    _tool("write_file", "Create or replace a text file.", "path", "content"),
    _tool("bash", "Run a shell command: kubectl, docker, ls, df, free and so on.", "command"),
    _tool("get_env", "Get an environment variable.", "key"),
    _tool("final_answer", "Report the result to the user.", "answer"),
)

_SIGNATURES = "\n".join(f"{tool.name}({', '.join(tool.inputs)}): {tool.description}" for tool in TOOLS)


def _function(tool: Tool) -> dict[str, Any]:
    parameters = {"type": "object", "properties": tool.inputs, "required": list(tool.inputs)}
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


# The product's own prompt, and prompts that invite the other forms that such models have been trained on.
SYSTEMS = {
    "product": system_prompt(TOOLS),
    "history": system_prompt(TOOLS),
    "json": f"You are a DevOps agent. Answer with a JSON tool call. Tools:\n{_SIGNATURES}",
    "fence": f"You are a DevOps agent. Answer with one tool call in a ```json block. Tools:\n{_SIGNATURES}",
    "python": "You are a DevOps agent. Call a tool as a Python function, for example get_env(key='HOME'). "
    f"Tools:\n{_SIGNATURES}",
    "dict": "You are a DevOps agent. Answer with a Python dict such as "
    f"{{'name': 'get_env', 'arguments': {{'key': 'HOME'}}}}. Tools:\n{_SIGNATURES}",
    "tools_tag": "You are a helpful assistant.\n\n# Tools\n\nYou may call one or more functions to assist "
    "with the user query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n"
    "<tools>\n"
    + "\n".join(json.dumps(_function(tool)) for tool in TOOLS)
    + "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
    '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": '
    "<args-json-object>}\n</tool_call>",
    "think": "You are a DevOps agent. Think first in <think>…</think>, then write one <tool_call> with "
    f'JSON: {{"name": …, "arguments": {{…}}}}. Tools:\n{_SIGNATURES}',
    "plan": "You are a DevOps agent. First write your <plan>…</plan>, then the tool calls, each in "
    f'<tool_call> as {{"name": …, "arguments": {{…}}}}, and finish with final_answer. Tools:\n{_SIGNATURES}',
    "openai": "You are a DevOps agent. Answer with an OpenAI tool call: "
    '{"type": "function", "function": {"name": …, "arguments": "a JSON string"}}. '
    f"Tools:\n{_SIGNATURES}",
    "tag": "You are a DevOps agent. Your reply begins with <tool_call> and ends with </tool_call>; between "
    'them is {"name": TOOL, "arguments": {…}}. Tools:\n' + _SIGNATURES,
    "batch": "You are a DevOps agent. Write every step of the task at once, each as "
    '<tool_call>{"name": TOOL, "arguments": {…}}</tool_call>, the last one final_answer. '
    f"Tools:\n{_SIGNATURES}",
    "react": "You are a DevOps agent. Write Thought:, then Action: with a JSON object that has the keys "
    f"action and action_input. Tools:\n{_SIGNATURES}",
}

# With the system prompt "history", the task stands behind a call and a result: the model imitates their form.
EARLIER = (
    {"role": "user", "content": "Is the file /tmp/ready there?"},
    {"role": "assistant", "content": Call("bash", {"command": "ls /tmp/ready"}).render()},
    {"role": "user", "content": format_tool_response("/tmp/ready")},
    {"role": "assistant", "content": Call("final_answer", {"answer": "Yes, it is there."}).render()},
)

PROMPTS = (
    ("product", "List all running Docker containers."),
    ("product", "Which pods run in the namespace default?"),
    ("product", "Write a Dockerfile for a Python Flask app to /tmp/app/Dockerfile."),
    ("product", "Scale the deployment web to 3 replicas and tell me when it is done."),
    ("history", "List the Docker images, largest first."),
    ("history", "Write a docker-compose.yml with postgres:16 and adminer to /tmp/docker-compose.yml."),
    ("history", 'Print the second column of `ps aux` for processes whose command holds "python".'),
    ("history", "Label the node worker-1 with disk=ssd, and show its labels as JSON."),
    ("history", "Which user am I, and what is $HOME?"),
    ("history", 'Write a Python script to /tmp/hello.py that prints "Hello" and the date.'),
    ("json", "How much disk space is free on / ?"),
    ("json", "Show the last 20 lines of the logs of the container nginx."),
    ("json", 'Write a bash script to /tmp/backup.sh that tars /etc and prints "done".'),
    ("fence", "Create a namespace called staging."),
    ("fence", "Write an nginx.conf that proxies to http://localhost:3000 to /tmp/nginx.conf."),
    ("fence", "What is the value of the environment variable KUBECONFIG?"),
    ("python", "Which process listens on port 8080?"),
    ("python", "Read /etc/hosts and tell me the name of this host."),
    ("dict", "Restart the container called db."),
    ("dict", 'Write {"debug": true} to /tmp/config.json.'),
    ("tools_tag", "Why is the pod api-7d4b in CrashLoopBackOff?"),
    ("tools_tag", "Show the memory usage of this machine and the value of $PATH."),
    ("tools_tag", "Write a Kubernetes Deployment of nginx:1.25 with 2 replicas to /tmp/nginx.yaml."),
    ("think", "Delete all stopped containers."),
    ("think", "Find the 5 largest files below /var/log."),
    ("think", "Is the service nginx running?"),
    ("plan", "Build the image demo:1 from /tmp/demo, run it and show its output."),
    ("plan", "Expose the deployment web on port 80 and check that it has endpoints."),
    ("openai", "Show the events of the namespace default, sorted by time."),
    ("openai", "Count the lines with ERROR in /var/log/syslog."),
    ("react", "Roll back the deployment web."),
    ("react", "Add the line 10.0.0.5 db.local to /etc/hosts."),
    ("tag", "Write a systemd unit for /opt/app/run.sh to /tmp/app.service."),
    ("tag", 'Print the lines of /etc/passwd that hold "bash" with awk.'),
    ("tag", "Which images are older than a month?"),
    ("tag", "Show the container web's IP address with docker inspect and a Go template."),
    ("batch", "Pull nginx:1.25, run it as web on port 8080 and check that it answers."),
    ("batch", "Create the namespace demo, deploy redis into it and list its pods."),
)


def _load(path: Path, threads: int) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = 2048
    parameters.n_parallel = 1
    parameters.verbosity = 0
    parameters.warmup = False
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.api_keys = [secrets.token_hex(16)]
    parameters.ui = False
    return xllamacpp.Server(parameters)


def _reply(server: Any, system: str, prompt: str, temperature: float) -> str:
    earlier = EARLIER if system == "history" else ()
    ends = ({"role": "system", "content": SYSTEMS[system]}, {"role": "user", "content": prompt})
    request = {
        "messages": [ends[0], *earlier, ends[1]],
        "max_tokens": MAX_TOKENS,
        "temperature": temperature,
        "seed": SEED,
        "reasoning_format": "none",
    }
    answer = server.handle_chat_completions(request)
    if "error" in answer:
        raise SystemExit(f"the engine failed: {answer['error'].get('message')}")
    return str(answer["choices"][0]["message"].get("content") or "")


def runs() -> Iterator[tuple[str, str, float]]:
    """Yields the name of the system prompt, the prompt and the temperature of each reply to record."""
    for index, (system, prompt) in enumerate(PROMPTS):
        yield system, prompt, 0.0
        if index % 3 == 2:
            yield system, prompt, WARM


def main(argv: Sequence[str] | None = None) -> None:
    """Records every prompt with one model."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model-path", type=Path, required=True, metavar="FILE", help="the GGUF file")
    parser.add_argument("--model-name", required=True, metavar="NAME", help="its name in the recording")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSONL file to append to")
    parser.add_argument("--system", choices=SYSTEMS, help="record the prompts of this system prompt only")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads (default: 2)")
    arguments = parser.parse_args(argv)
    if not arguments.model_path.is_file():
        parser.error(f"no such file: {arguments.model_path}")
    server = _load(arguments.model_path, arguments.threads)
    for system, prompt, temperature in runs():
        if arguments.system not in (None, system):
            continue
        reply = _reply(server, system, prompt, temperature)
        line = {"model": arguments.model_name, "system": system, "prompt": prompt}
        line |= {"temperature": temperature, "seed": SEED, "reply": reply}
        with arguments.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        print(f"{system}, {temperature}: {prompt}", file=sys.stderr)


if __name__ == "__main__":
    main()
