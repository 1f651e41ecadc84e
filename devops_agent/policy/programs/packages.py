"""Package managers and build tools."""

from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler
from devops_agent.policy.verdict import Verdict, destructive, read


@handler
def _apt(call: Call, run: Run) -> Verdict:
    removes = call.verb == "install" and any(text.endswith("-") and len(text) > 1 for text in call.texts)
    return destructive("apt install NAME- removes a package") if removes else read()
