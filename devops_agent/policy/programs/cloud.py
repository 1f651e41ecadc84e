"""Clouds, infrastructure as code and stores of secrets."""

import re

from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown

_CLOUD_READS = re.compile(
    r"list|list-[\w-]+|access|describe|describe-[\w-]+|get|get-[\w-]+|show|show-[\w-]+|read|view|query|search|head-[\w-]+|lookup-[\w-]+"
    r"|info|version|check-[\w-]+|exists|wait|filter-log-events|tail|ls|presign|configurations|print-[\w-]+|logs|export-[\w-]*|validate\w*|estimate-[\w-]+|simulate-[\w-]+|batch-get-[\w-]+|scan|select-[\w-]+|test-[\w-]+|preview-[\w-]+|verify-[\w-]+"
)
_CLOUD_CHANGES = re.compile(
    r"create|create-[\w-]+|add|add-(?!iam)[\w-]+|start|start-[\w-]+|stop|stop-[\w-]+|restart|reboot|reboot-[\w-]+|update|update-[\w-]+|set|set-[\w-]+"
    r"|tag-[\w-]+|untag-[\w-]+|enable\w*|enable-[\w-]+|attach\w*|attach-[\w-]+|associate-[\w-]+|register-[\w-]+|run-[\w-]+|run|resize|scale|deploy|publish|send-[\w-]+|put-[\w-]+|allocate-[\w-]+"
    r"|deallocate|suspend|resume|copy-[\w-]+|modify-[\w-]+|move|mb|apply|upgrade|rollback|submit|connect|use|activate|login|configure|assign|scale-[\w-]+|resume-[\w-]+|invoke|execute|promote|tag|lock|subscribe|request-[\w-]+|issue|renew|import-[\w-]+"
)
_CLOUD_DESTROYS = re.compile(
    r"delete|delete-[\w-]+|remove|remove-[\w-]+|rm|rb|terminate|terminate-[\w-]+|purge|destroy|cancel|cancel-[\w-]+|detach\w*|detach-[\w-]+|disassociate-[\w-]+|disable\w*|disable-[\w-]+"
    r"|deregister-[\w-]+|revoke\w*|revoke-[\w-]+|release-[\w-]+|reset|reset-[\w-]+|restore\w*|restore-[\w-]+|replace|replace-[\w-]+|overwrite|import|wipe|purge-[\w-]+|abort-[\w-]+|batch-delete-[\w-]+|batch-write-[\w-]+"
    r"|add-iam-policy-binding|set-iam-policy|authorize-[\w-]+|put-bucket-policy|put-bucket-acl|put-role-policy|put-user-policy|attach-(user|role|group)-policy|create-access-key|create-login-profile|update-assume-role-policy|put-public-access-block|schedule-key-deletion|transact-write-items|failover"
)
_CLOUD_SHELLS = (
    "ssh",
    "start-session",
    "interactive",
    "execute-command",
    "bastion",
    "tunnel",
    "scp",
    "send-command",
    "run-command",
    "ssm",
)
_CLOUD_SECRETS = re.compile(
    r"get-secret-value|print-(access|identity)-token|get-access-token|get-login-password|get-session-token|assume-role\w*|get-authorization-token"
    r"|batch-get-secret-value|list-keys|get-parameters?(-by-path)?|secret|access|keys|credential|get-credentials|export-credentials|get-password-data|versions-access|show-connection-string|get-federation-token|create-access-key"
)


@handler
def _cloud(call: Call, run: Run) -> Verdict:
    """aws, gcloud, az: by the conventions of their verbs; of several such words, the worst counts."""
    words = [text for text in call.texts if UNSEEN not in text][:7]
    if any(word.unseen for word in call.operands[:3]) and not words:
        return unknown(f"{call.program} with a verb that is only known at run time")
    if call.program == "aws" and words[:1] == ["s3"]:
        return _aws_s3(call, run)
    worst: Verdict | None = None
    start = 1 if len(words) > 1 and call.program in ("aws",) else 0
    for word in words[start : 2 if call.program == "aws" else 7]:
        found = _cloud_verb(word)
        if found is not None and (worst is None or found.effect > worst.effect):
            worst = found
    for text in call.values("--command"):
        return run.elsewhere(text)
    if any(word in _CLOUD_SHELLS for word in words[1:]) or words[:1] == ["ssh"]:
        if call.inner:
            return run.elsewhere_argv(call.inner)
        return unknown("a shell for a person, or commands that are not known")
    secret = any(_CLOUD_SECRETS.fullmatch(word) for word in words[1:])
    if worst is None:
        return unknown(f"{call.program} {' '.join(words[:3])} is not known")
    if run.dry:
        worst = read()
    named = Verdict(worst.effect, f"{call.program} {' '.join(words[:3])}") if worst.effect else read()
    for path in call.values("--output-file", "--destination", "--file-path"):
        named |= run.write(path)
    return named | read(secret=secret)


def _cloud_verb(word: str) -> Verdict | None:
    if _CLOUD_DESTROYS.fullmatch(word):
        return destructive(word)
    if _CLOUD_READS.fullmatch(word):
        return read()
    return change(word) if _CLOUD_CHANGES.fullmatch(word) else None


def _aws_s3(call: Call, run: Run) -> Verdict:
    action, operands = (call.texts[1:2] or [""])[0], call.texts[2:]
    if action in ("ls", "presign"):
        return read()
    if call.given("--dryrun", "--dry-run"):
        return read()
    if action in ("mb", "website"):
        return change(f"aws s3 {action}")
    if action not in ("cp", "mv", "sync") or len(operands) < 2:
        return (
            destructive(f"aws s3 {action}")
            if action in ("rm", "rb")
            else unknown(f"aws s3 {action} is not known")
        )
    source, target = operands[:2]
    if call.given("--delete") or action == "mv":
        return destructive(f"aws s3 {action} removes")
    if target.startswith("s3://"):
        if source == "-":
            return destructive("sends its standard input to another machine")
        return destructive("sends files to another machine, over those that it has") | read(
            secret=run.holds_secret(source)
        )
    if target == "-":
        return read()
    return run.write(run.inside(target, source))


@handler
def _secret_store(call: Call, run: Run) -> Verdict:
    """vault, pass, op and their like: what they read is a secret."""
    words = [text for text in call.texts[:3] if UNSEEN not in text]
    if {
        "delete",
        "rm",
        "remove",
        "destroy",
        "edit",
        "move",
        "mv",
        "revoke",
        "seal",
        "rotate",
        "purge",
        "disable",
    } & set(words):
        return destructive(f"{call.program} {' '.join(words[:2])}")
    if {
        "write",
        "put",
        "insert",
        "generate",
        "create",
        "set",
        "enable",
        "login",
        "add",
        "init",
        "unlock",
        "unseal",
        "patch",
        "import",
    } & set(words):
        return change(f"{call.program} {' '.join(words[:2])}")
    if {"status", "list", "ls", "version", "find", "metadata", "whoami", "vault"} & set(words) or not words:
        return read()
    if {
        "read",
        "get",
        "show",
        "kv",
        "item",
        "decrypt",
        "print",
        "lookup",
        "reveal",
        "secrets",
        "export",
    } & set(words) or call.given("-d", "--decrypt"):
        return read("reads a secret", secret=True)
    return unknown(f"{call.program} {' '.join(words[:2])} is not known")


@handler
def _ansible(call: Call, run: Run) -> Verdict:
    """`ansible HOSTS -m MODULE -a ARGUMENTS`."""
    if call.given("--list-hosts", "-C", "--check"):
        return read()
    module = (call.values("-m", "--module-name") or ["command"])[-1].rpartition(".")[2]
    text = (call.values("-a", "--args") or [""])[-1]
    if module in ("command", "shell", "raw"):
        return run.elsewhere(text) if text else read()
    if module in (
        "ping",
        "setup",
        "stat",
        "debug",
        "service_facts",
        "package_facts",
        "getent",
        "slurp",
        "find",
        "assert",
    ):
        return read(secret=module == "slurp")
    if re.search(r"state=['\"]?(absent|killed)|force=['\"]?(yes|true)", text):
        return destructive(f"ansible {module} removes")
    if module in (
        "service",
        "systemd",
        "apt",
        "yum",
        "dnf",
        "package",
        "pip",
        "git",
        "user",
        "group",
        "hostname",
    ):
        return change(f"ansible {module}")
    return destructive(f"ansible {module} writes files on other machines")
