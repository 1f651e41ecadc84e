"""The floor: a plain loop around Ollama, against which the agent has to show what its structure is worth.

One JSON call a reply, held to a schema; two worked examples in the prompt; errors are fed back.

    python -m benchmarks run --kube-context NAME --out FILE --name "plain loop" \\
        --agent 'python benchmarks/plain_loop.py qwen2.5-coder:1.5b {prompt}'
"""

import json
import os
import subprocess
import sys

import requests

STEPS = 15
KEPT = 3000
SYSTEM = """You are a DevOps engineer at a Linux shell with kubectl and docker. Do the user's task.
Reply with ONE JSON object: {"command": "<bash command>"} to run a command, or {"answer": "<text>"} when the
task is done. You then see the command's output. Use real names from outputs, never placeholders.

Example 1
User: How many nodes does the cluster have?
{"command": "kubectl get nodes"}
Output: NAME STATUS ROLES AGE VERSION
a Ready <none> 5d v1.30.0
{"answer": "The cluster has 1 node, a."}

Example 2
User: Start redis as container cache
{"command": "docker run -d --name cache redis"}
Output: 3f4e8a
{"answer": "The container cache runs redis."}"""


def one_of(key: str) -> dict[str, object]:
    """The schema of an object with one text."""
    properties = {key: {"type": "string"}}
    return {"type": "object", "properties": properties, "required": [key], "additionalProperties": False}


def ask(model: str, messages: list[dict[str, str]]) -> str:
    """The model's next reply."""
    host = os.environ.get("OLLAMA_HOST", "http://127.0.0.1:11434")
    body = {
        "model": model,
        "messages": messages,
        "stream": False,
        "format": {"anyOf": [one_of("command"), one_of("answer")]},
        "options": {"temperature": 0, "num_ctx": 8192, "num_predict": 1024},
    }
    return str(requests.post(f"{host}/api/chat", json=body, timeout=600).json()["message"]["content"])


def run(command: str) -> str:
    """A command's output with its exit code, cut to what the model can read."""
    try:
        done = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return "Error: no end after 60 s."
    text = (done.stdout + done.stderr).strip()[:KEPT] or "(no output)"
    return text if done.returncode == 0 else f"{text}\nexit code {done.returncode}"


def main(model: str, task: str) -> int:
    """Does the task; prints the answer."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task}]
    for _ in range(STEPS):
        reply = ask(model, messages)
        messages.append({"role": "assistant", "content": reply})
        try:
            call = json.loads(reply)
        except ValueError:
            messages.append({"role": "user", "content": "Output: Error: not one JSON object."})
            continue
        if "answer" in call:
            print(call["answer"])
            return 0
        print(call["command"], file=sys.stderr)
        messages.append({"role": "user", "content": f"Output: {run(call['command'])}"})
    print("No answer within the steps.")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
