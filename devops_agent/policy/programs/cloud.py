"""Clouds, infrastructure as code and stores of secrets."""

import re
from collections.abc import Sequence
from itertools import pairwise

from devops_agent.patterns import regex
from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler, worst
from devops_agent.policy.programs.containers import surely_dry
from devops_agent.policy.programs.sending import is_here, sends_output
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Effect, Verdict, change, destructive, read, unknown

_CLOUD_READS = regex(
    r"list|list-[\w-]+|access|describe|describe-[\w-]+|get|get-[\w-]+|show|show-[\w-]+|read|view|query"
    r"|search|search-[\w-]+"
    r"|head-[\w-]+|lookup|lookup-[\w-]+|info|version|whoami|check-[\w-]+|exists|wait|filter-log-events"
    r"|tail|ls|cat|du|presign|log"
    r"|print-[\w-]+|validate\w*|what-if|estimate-[\w-]+|simulate-[\w-]+|batch-get-[\w-]+|scan"
    r"|select-[\w-]+|preview-[\w-]+|assume-role[\w-]*"
    r"|test-(?!invoke|failover|migration|alarm|repository|wireless)[\w-]+|decrypt|export-credentials"
    r"|generate-(db-auth-token|login-token|sas)|logs|status"
)
_CLOUD_CHANGES = regex(
    r"create|create-[\w-]+|add|add-[\w-]+|start|start-[\w-]+|stop|stop-[\w-]+|restart|reboot"
    r"|reboot-[\w-]+|update|update-[\w-]+|set|set-[\w-]+"
    r"|tag-[\w-]+|untag-[\w-]+|enable\w*|enable-[\w-]+|attach\w*|attach-[\w-]+|associate-[\w-]+"
    r"|register-[\w-]+|run-[\w-]+|run|resize|scale|deploy|publish|send-[\w-]+|put-[\w-]+|allocate-[\w-]+"
    r"|deallocate|suspend|resume|copy-[\w-]+|modify-[\w-]+|mb|apply|upgrade|rollback|submit|use|activate"
    r"|login|configure|assign|scale-[\w-]+|resume-[\w-]+|invoke|execute|promote|tag|lock|subscribe"
    r"|request-[\w-]+|issue|renew"
    r"|import-[\w-]+|export-(?!credentials)[\w-]+|verify-[\w-]+|test-invoke-[\w-]+|get-credentials"
)
_CLOUD_DESTROYS = regex(
    r"delete|delete-[\w-]+|remove|remove-[\w-]+|rm|rb|terminate|terminate-[\w-]+|purge|destroy|cancel"
    r"|cancel-[\w-]+|detach\w*|detach-[\w-]+|disassociate-[\w-]+|disable\w*|disable-[\w-]+"
    r"|deregister-[\w-]+|revoke\w*|revoke-[\w-]+|release-[\w-]+|reset|reset-[\w-]+|restore\w*"
    r"|restore-[\w-]+|replace|replace-[\w-]+|overwrite|import|wipe|purge-[\w-]+|abort-[\w-]+"
    r"|batch-delete-[\w-]+|batch-write-[\w-]+"
    r"|authorize-[\w-]+|schedule-key-deletion|transact-write-items|failover|put-object\w*"
    r"|put-object-[\w-]+|put-bucket-(lifecycle|replication)[\w-]*|put-retention-policy|create-for-rbac"
)
# Verbs that let somebody in.
_CLOUD_OPENS = regex(
    r"(?!create-policy$|[\w-]*(scaling|lifecycle|retention|cache|rotation|backup|redrive|password)-)"
    r"(add|allow|associate|attach|create|enable|grant|import|modify|put|register|set|share|update"
    r"|upload)-[\w-]*"
    r"(polic(y|ies)|permissions?|access-(key|entry|token|config)|credentials?|login-profile|acl|principal"
    r"|trust|public-access"
    r"|user-to-group|group-member(ship)?|(snapshot|image|launch)-(attribute|permission)|role-to"
    r"|instance-profile|ssh|(identity|connect|saml|trust)-provider|(resource|data)-share)[\w-]*"
)
_OPENING_GROUPS = regex(
    r"(.* )?(roles?|assignment|firewalls?|firewall-rules?|network-rule|permission|ssh-keys?|memberships"
    r"|os-login|access-levels|perimeters|nsg rule|security group rule|vm user|group member"
    r"|service-accounts keys|(vm )?extension)( .*)?"
)
# What they say to the cloud is data: a message, a file.
_CLOUD_SENDS = regex(
    r"(publish|send|put|post|upload|invoke|import|write|call)(-[\w-]+)?|batch-put-[\w-]+|(create"
    r"|update)-secret"
)
_CLOUD_SHELLS = frozenset(
    "ssh start-session interactive execute-command bastion tunnel scp send-command run-command ssm connect"
    " command exec psql".split()
)
_CLOUD_SECRETS = regex(
    r"print-(access|identity|refresh)-token|get-[\w-]*(token|credentials?|password|secret|secret-value"
    r"|access|(api|stream)-keys?|auth-string|key-string)"
    r"|(get-password|create-key|get-key|get-secret|batch-get-secret|generate-(data|db)|assume-role"
    r"|export-(certificate|key)|connection-string|generate-sas)[\w-]*"
    r"|list-keys|get-parameters?(-by-path)?|get-parameter-history|(get-)?cluster-credentials[\w-]*|secret"
    r"|access|keys?|credentials?|export-credentials|show-connection-string"
    r"|create-access-key|create-for-rbac|generate-login-token|decrypt|appsettings|list-publishing-[\w-]+"
    r"|tokens?|kubeconfig|keypair|get-function|get-function-configuration|describe-task-definition"
    r"|config-helper|presign|create-service-specific-credential"
)
# Operations of aws that write what they get to the file they name.
_AWS_FILES = frozenset(
    """invoke get-object get-object-torrent get-export get-sdk get-thing-shadow update-thing-shadow
 get-clip get-media get-media-for-fragment-list get-snapshot-block get-configuration
 get-latest-configuration get-hosted-configuration-version get-job-output select-object-content
 get-package-version-asset invoke-model invoke-endpoint invoke-agent-runtime synthesize-speech
 get-function get-introspection-schema post-content""".split()
)
# Words before the verb. Most are plural; these are not.
_GROUPS = frozenset(
    """account action address agent aggregate ai alpha apigee app application artifacts asset assignment
 attached auth autonomous-database autoscaler availability backend backup balance bastion batch beta
 billing boot-volume bucket builder bv cdn ce certificate cluster compartment compose composer
 compute config console container context data database dataflow dataproc dataplex datacenter
 datastore datastream db deployment disk dns docker domain droplet droplet-action emulator endpoint
 env event eventarc fabric filestore firestore firewall flavor fleet floating floating-ip fn fs
 function generic googet group healthcheck host hub hypervisor iam iap identity image instance
 invoice ip iso job k8s kms kubeconfig kubernetes lb listener lke load-balancer loadbalancer location
 log logging machine managed member memcache metastore migration ml model monitoring mysql network
 networking node node-pool nodepool object objectstorage organization os os-config os-login package
 partner placement-group policy pool port postgres preview primary-ip private privateca project
 project-info pubsub quota queue recommender record recordset redis region registry repository
 resource-manager role route router rule runtime-config scc scheduler scope secret security server
 server-type service service-directory site size snapshot source spanner sql ssh-key stack storage
 subnet system tag target-pool team telco template token topic type unmanaged url usage user vcn vm
 volume vpc workbench workspace yum zone apt transfer trace web""".split()
)
_PLURAL = regex(r"(?!(abandon|recreate|copy|stream|clone|convert|apply|analyze|detect)-)[a-z][a-z0-9-]*s")
_PLURAL_VERBS = frozenset("access ls removenodes addnodes".split())


@handler
def _cloud(call: Call, run: Run) -> Verdict:
    """aws, gcloud, az: by the conventions of their verbs."""
    path = _cloud_path(call)
    name = f"{call.program} {' '.join(path[:4])}"
    if not path or any(UNSEEN in word for word in path):
        return unknown(f"{call.program} with a verb that is only known at run time")
    verb = path[-1]
    secret = any(_CLOUD_SECRETS.fullmatch(word) for word in path)
    verdict = read(secret=secret)
    if not all(map(is_here, call.values("--endpoint-url"))):
        verdict |= sends_output(call.arguments[1:])
    if _CLOUD_SHELLS.intersection(path[1:]) or path[0] == "ssh":
        return verdict | _cloud_shell(call, run)
    rest = call.texts[len(path) :]
    if path in (["configure", "get"], ["configure", "set"], ["config", "set"]):
        return verdict | _cloud_setting(run, verb, rest)
    if path in (["s3", verb], ["storage", verb]) and verb in ("cp", "mv", "rsync", "sync"):
        return verdict | _cloud_copy(call, run, verb, rest)
    found = _cloud_verb(verb)
    if found is None:
        return verdict | unknown(f"{name} is not known")
    if run.dry and surely_dry(call):
        found = read()
    elif (
        found.effect is Effect.CHANGE
        and call.program not in _AWS
        and _OPENING_GROUPS.fullmatch(" ".join(path))
    ):
        found = destructive("lets somebody in")
    elif found.effect and any(mode.lower() == "complete" for mode in call.values("--mode")):
        found = destructive("removes what the template does not name")
    verdict |= Verdict(found.effect, name) if found.effect else read()
    return (
        verdict | _cloud_files(call, run, verb) | (_cloud_data(call, run, path) if found.effect else read())
    )


_AWS = ("aws", "awslocal")


def _cloud_path(call: Call) -> list[str]:
    """The groups and the verb."""
    texts = call.texts
    if call.program in _AWS:
        return texts[:2]
    if call.program == "az":
        words = [each.text for each in call.arguments[1:]]
        first = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
        return [word for word in words[:first] if "=" not in word] or texts[:1]
    start = 1 if call.program == "gcloud" and len(texts) > 1 else 0
    while start and texts[start - 1] in ("alpha", "beta", "preview") and start + 1 < len(texts):
        start += 1
    verb = next((at for at, text in enumerate(texts) if at >= start and not _is_group(text)), len(texts) - 1)
    return texts[: verb + 1]


def _is_group(word: str) -> bool:
    plural = _PLURAL.fullmatch(word) and word not in _PLURAL_VERBS
    return word in _GROUPS or bool(plural and ("-" not in word or _cloud_verb(word) is None))


def _cloud_verb(word: str) -> Verdict | None:
    if _CLOUD_DESTROYS.fullmatch(word) or _CLOUD_OPENS.fullmatch(word):
        return destructive(word)
    if _CLOUD_CHANGES.fullmatch(word):
        return change(word)
    return read() if _CLOUD_READS.fullmatch(word) else None


def _cloud_shell(call: Call, run: Run) -> Verdict:
    """`gcloud compute ssh`, `aws ecs execute-command`: the commands that run there."""
    texts = call.values("--command")
    if call.given("--ssh-flag", "--scp-flag") or not (texts or call.inner):
        return unknown("a shell for a person, or commands that are not known")
    verdict = worst([run.elsewhere(text) for text in texts])
    return verdict | run.elsewhere_argv(call.inner) if call.inner else verdict


_PLAIN_SETTING = regex(r"(.*[./])?(region|zone|output|project|location|group|account|cluster|platform)(=.*)?")


def _cloud_setting(run: Run, verb: str, words: Sequence[str]) -> Verdict:
    """`aws configure set KEY VALUE`: some keys decide where it goes and what it runs."""
    key = "".join(words[:1])
    if verb == "get":
        return read(secret=run.is_secret_name(key.rpartition(".")[2]))
    if _PLAIN_SETTING.fullmatch(key):
        return change(f"sets {key}")
    return destructive("configures access, or what runs later")


def _cloud_copy(call: Call, run: Run, verb: str, operands: Sequence[str]) -> Verdict:
    """`aws s3 cp SOURCE TARGET` and `gcloud storage cp`."""
    if run.dry and surely_dry(call):
        return read()
    if len(operands) < 2:
        return unknown(f"{call.program} {verb} without a target")
    source, *targets = operands
    if verb == "mv" or call.given("--delete", "--delete-unmatched-destination-objects"):
        return destructive(f"{call.program} {verb} removes files")
    if source == "-":
        return destructive("sends its standard input to another machine")
    if "://" not in source or any("://" in target for target in targets):
        return destructive("sends files to another machine, over those that it has")
    several = verb != "cp" or call.given("--recursive", "-r", "-R") or bool(re.search(r"[*?\[]", source))
    return worst([_fetched(run, source, target, several) for target in targets])


def _fetched(run: Run, source: str, target: str, several: bool) -> Verdict:
    if several and not run.is_new(target):
        return destructive(f"copies over the files in {target}")
    return run.write(target if several else run.inside(target, source))


def _cloud_files(call: Call, run: Run, verb: str) -> Verdict:
    """What it writes here."""
    names = "--output-file --out-file --plaintext-file --file-path --destination --dest --kubeconfig".split()
    if verb == "get-credentials":
        names += ["-f", "--file"]
    files = call.values(*names)
    if call.program in _AWS and verb in _AWS_FILES:
        files += call.texts[2:]
    return worst([run.write(path) for path in files])


def _cloud_data(call: Call, run: Run, path: Sequence[str]) -> Verdict:
    """What a change says to the cloud: the output of a command, a secret, what runs on a machine."""
    words = [word for word in call.arguments[1:] if word.text not in path]
    texts = [part for word in words for part in re.split(r"[=,@]|fileb?://", word.text) if part]
    if run.feed and {"-", "/dev/stdin", "/dev/fd/0"} & set(texts):
        return destructive("sends its standard input to another machine")
    if _CLOUD_SENDS.fullmatch(path[-1]) or {"secret", "secrets"}.intersection(path):
        if any(word.substituted for word in words):
            return destructive("sends the output of a command to another machine")
        if any(run.is_secret_name(name) for word in words for name in word.variables):
            return destructive("sends a secret to another machine")
    if any(run.holds_secret(text) for text in texts):
        return destructive("sends a secret to another machine")
    if any(re.match(r"(ssh-keys|(startup|shutdown)-script(-url)?|enable-oslogin)$", text) for text in texts):
        return destructive("decides who may log in, or what runs later")
    return read()


_STORE_GROUPS = frozenset(
    """kv secrets auth policy token operator audit lease plugin namespace metadata item vault document user
 group account configs projects environments service-account raft""".split()
)
_STORE_DESTROYS = frozenset(
    """delete rm remove destroy edit move mv revoke seal rotate purge disable rollback share
 upload send""".split()
)
_STORE_CHANGES = frozenset(
    """write put insert generate create set enable login add init unlock unseal patch import undelete tune
 enable-versioning""".split()
)
_STORE_READS = frozenset("status list ls version find whoami".split())
_STORE_SECRETS = frozenset(
    "read get show decrypt print lookup reveal export download kv item secrets".split()
)


@handler
def _secret_store(call: Call, run: Run) -> Verdict:
    """vault, pass, op and their like: what they read is a secret."""
    words = call.texts
    at = next((at for at, word in enumerate(words) if word not in _STORE_GROUPS), len(words) - 1)
    path, verb = words[: at + 1], "".join(words[at : at + 1])
    files = worst(
        [run.write(path) for path in _values(call, "-o", "--output", "--out-file", "--output-file")]
    )
    name = f"{call.program} {' '.join(path)}"
    in_place = call.program == "sops" and call.given("-i", "--in-place")
    if verb in _STORE_DESTROYS or in_place:
        return destructive(name) | read(secret=in_place)
    if verb in _STORE_CHANGES:
        opens = path[0] == "policy" or any(re.match(r"(auth|sys|identity)/", word) for word in words)
        prints = path[0] in ("token", "operator") or verb in ("login", "generate")
        return (destructive if opens else change)(name) | files | read(secret=prints)
    if not words:
        return read()
    if verb in _STORE_READS or path == ["kv", "metadata", "get"]:
        return files | read(secret=call.program == "bw" and verb == "list")
    if verb in _STORE_SECRETS or call.given("-d", "--decrypt"):
        return files | read("reads a secret", secret=True)
    return unknown(f"{name} is not known") | read(secret=True)


def _values(call: Call, *flags: str) -> list[str]:
    """The values of flags that the rule does not know."""
    words = [word.text for word in call.arguments]
    joined = [word.partition("=")[2] for word in words if word.partition("=")[0] in flags and "=" in word]
    return joined + [after for word, after in pairwise(words) if word in flags]


# An inventory that can be executed is a program.
_INVENTORY = regex(r"(.*/)?([\w.-]+\.(ini|ya?ml|toml|json)|hosts|inventory)|[\w.:@-]+(,[\w.:@-]*)+")
_PASSWORD_FILE = regex(r"prompt|(.*/)?\.?[\w-]*(pass|vault)[\w-]*(\.txt)?")
_EXTRA = regex(r"(^|[\s{\"'])ansible_(?!(user|host|port|become|become_user)\b)|^@(?!.*\.(ya?ml|json)$)")
_TEMPLATE = regex(r"\{\{(?!\s*[\w.]+\s*\}\})|\{%")
_PLAIN_COLLECTION = regex(r"(ansible\.(builtin|legacy)\.)?(\w+)")
_MODULE_READS = frozenset(
    "ping setup stat debug service_facts package_facts getent slurp find assert".split()
)
_MODULE_CHANGES = frozenset("service systemd apt yum dnf package pip git user group hostname".split())


@handler
def _ansible_setup(call: Call, run: Run) -> Verdict:
    """What ansible and its like run before they do anything: inventories, lookups, other programs."""
    words = [word.text for word in call.arguments[1:]]
    for path in call.values("-i", "--inventory", "--inventory-file"):
        if not _INVENTORY.fullmatch(path):
            return unknown(f"the inventory {path} may be a program")
    for text in call.values("--vault-password-file", "--vault-pass-file", "--vault-id"):
        if not _PASSWORD_FILE.fullmatch(text.rpartition("@")[2]):
            return unknown(f"{text} may be a program")
    if any(_TEMPLATE.search(word) for word in words):
        return unknown("a template may run programs")
    if any(_EXTRA.search(text) for text in [*call.values("-e", "--extra-vars"), *call.texts]):
        return unknown("a variable decides what ansible runs")
    names = re.compile(
        r"--(ssh|scp|sftp)-\w+-args|--(become|conn)\w*-pass\w*-file|--module-path|-M|--playbook-dir"
    )
    strange = next((flag for flag in call.flags.values if names.fullmatch(flag)), None)
    return unknown(f"{call.program} {strange} decides what it runs") if strange else read()


@handler
def _ansible(call: Call, run: Run) -> Verdict:
    """`ansible HOSTS -m MODULE -a ARGUMENTS`."""
    verdict = _ansible_setup(call, run) | sends_output(call.arguments[1:])
    verdict |= worst([run.write(path, makes_folder=True) for path in call.values("-t", "--tree")])
    if call.given("--list-hosts", "-C", "--check"):
        return verdict
    module = (call.values("-m", "--module-name") or ["command"])[-1]
    plain = _PLAIN_COLLECTION.fullmatch(module)
    return verdict | _ansible_module(
        plain[3] if plain else module, (call.values("-a", "--args") or [""])[-1], run
    )


def _ansible_module(module: str, text: str, run: Run) -> Verdict:
    if module in ("command", "shell", "raw"):
        if re.search(r"(^|\s)(cmd|argv|executable|stdin)=|^\s*\{", text):
            return unknown(f"ansible {module} with arguments that are no command")
        text = re.sub(r"(^|\s)(chdir|creates|removes)=[\w./~-]+(?=\s|$)", " ", text)
        return run.elsewhere(text) if text.strip() else read()
    if module in _MODULE_READS:
        return read(secret=module == "slurp")
    if re.search(
        r"(state|autoremove|purge|force|groups?|password|uid)=['\"]?(?!(present|latest|started|stopped|restarted|reloaded|installed|no|false)\b)",
        text,
    ):
        return destructive(f"ansible {module} removes, or lets somebody in")
    if module in _MODULE_CHANGES and not text.lstrip().startswith("{"):
        return change(f"ansible {module}")
    return destructive(f"ansible {module} writes files on other machines")


@handler
def _watch_command(call: Call, run: Run) -> Verdict:
    """`consul watch COMMAND` and `etcdctl watch KEY -- COMMAND`."""
    if call.given("-i", "--interactive") or (call.program == "consul" and call.operands):
        return unknown(f"{call.name} runs commands that are not known")
    return run.argv(call.inner)
