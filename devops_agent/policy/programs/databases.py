"""Databases: the statements that their clients run."""

import re
from collections.abc import Sequence
from itertools import pairwise

from devops_agent.patterns import regex
from devops_agent.policy import languages
from devops_agent.policy.call import Call, parse_call
from devops_agent.policy.handlers import Run, analysed, handler, worst
from devops_agent.policy.programs.flags import listed_flags
from devops_agent.policy.programs.sending import is_remote_call, sends_output
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown

_PERSON = "a database shell for a person"
_SQL_FLAGS = {
    "psql": ("-c", "--command"),
    "mysql": ("-e", "--execute"),
    "clickhouse-client": ("-q", "--query"),
}
_PASSWORD = regex(r"-[ABEHLNUXbinqrstvw]*p.+")


@handler
def _remote_database(call: Call, run: Run) -> Verdict:
    """A client of a database on another machine. The address alone may be the output of a command."""
    hosts = {id(word) for flag, word in pairwise(call.arguments) if flag.text in ("-h", "--host")}
    words = [word for word in call.arguments[1:] if id(word) not in hosts or word.text != UNSEEN]
    return sends_output(words) if is_remote_call(call) else read()


@handler
def _sql(call: Call, run: Run) -> Verdict:
    """psql, mysql and clickhouse-client: the SQL of their flags or of their standard input."""
    client = call.rule.name
    if client == "mysql":
        # the letters of a password are no flags
        words = [word for word in call.arguments if not _PASSWORD.fullmatch(word.text)]
        call = parse_call(call.rule, call.program, words)
    verdict = listed_flags(call) | _remote_database(call, run)
    for path in call.values("-o", "--output"):
        verdict |= analysed(languages.output(path), run)
    for path in call.values("-L", "--log-file"):
        verdict |= run.write(path, appends=True)
    if any("SINGLE" in value for value in call.values("-v", "--set", "--variable")):
        verdict |= unknown("psql parts SQL in another way")
    if client == "psql" and call.given("-l", "--list"):
        return verdict
    if client == "psql" and call.given("-f", "--file"):
        return verdict | unknown("psql runs a file that is not known")
    texts = call.values(*_SQL_FLAGS[client])
    if not texts and run.feed is None:
        return verdict | unknown(_PERSON)
    for text in texts or [run.feed.script if run.feed else ""]:
        verdict |= analysed(languages.sql(text, client), run)
    return verdict


@handler
def _sqlite(call: Call, run: Run) -> Verdict:
    """sqlite3: the SQL and the commands of its operands, or of its standard input."""
    texts = [*call.values("-cmd", "--cmd"), *call.texts[1:]]
    rest = ""
    if not call.texts[1:]:
        if run.feed is None:
            return unknown(_PERSON)
        lines = run.feed.script.split("\n")
        texts += [line for line in lines if line.startswith(".")]
        rest = "\n".join(line for line in lines if not line.startswith("."))
        if any(re.search("['\"`[;]", text) for text in texts if text.startswith(".")):
            return unknown("a command of sqlite3 that is not known")
    in_memory = call.texts[:1] in ([], [":memory:"])
    verdict = listed_flags(call) | analysed(languages.sql(rest, "sqlite3"), run)
    for text in texts:
        is_command = text.lstrip().startswith(".")
        found = languages.dot_command(text, in_memory) if is_command else languages.sql(text, "sqlite3")
        verdict |= analysed(found, run)
    return verdict


@handler
def _redis(call: Call, run: Run) -> Verdict:
    verdict = listed_flags(call) | _remote_database(call, run)
    if call.given("--cluster"):
        looks = call.values("--cluster") in (["info"], ["check"], ["help"])
        return verdict | (read() if looks else destructive("redis-cli --cluster"))
    if call.given(*_REDIS_LOOKS) or verdict.effect:
        return verdict
    if call.operands:
        return verdict | _redis_command(call.texts)
    if run.feed is None:
        return unknown(_PERSON)
    lines = [line.split() for line in (run.feed.text or "").splitlines() if line.strip()]
    if not lines:
        return unknown("redis-cli runs what is not known")
    return worst([_redis_command(words) for words in lines])


_REDIS_LOOKS = """--scan --bigkeys --memkeys --hotkeys --latency --latency-history --latency-dist --stat
 --version --intrinsic-latency""".split()
_REDIS_READS = frozenset(
    """get mget keys scan sscan hscan zscan info ping ttl pttl type exists strlen llen lrange lindex hget
    hmget hgetall hkeys hvals hlen hexists smembers scard sismember srandmember zrange zrevrange zcard
    zscore zrank zcount zrangebyscore zrevrangebyscore dbsize time lastsave echo object
    slowlog monitor pubsub xlen xrange xrevrange xinfo getrange bitcount randomkey role
    command dump touch geopos geodist pfcount xread xpending lpos smismember sinter sunion sdiff lolwut
    hstrlen waitaof eval_ro evalsha_ro fcall_ro sort_ro""".split()
)
_REDIS_CHANGES = frozenset(
    """set setnx setex psetex mset msetnx append incr incrby incrbyfloat decr decrby hset hmset hsetnx
    hincrby lpush rpush lpushx rpushx linsert sadd zadd zincrby expire pexpire persist publish
    bgsave save setrange setbit pfadd xadd geoadd xgroup select auth hello copy""".split()
)
# What the commands that look and change by their second word only look at.
_REDIS_PARTS = {
    name: frozenset(words.split())
    for name, words in {
        "config": "get help",
        "client": "list info getname id help",
        "acl": "list users getuser whoami cat help",
        "cluster": "info nodes slots shards myid help",
        "latency": "latest history doctor help",
        "memory": "usage stats doctor help",
        "script": "exists help",
        "function": "list stats help",
        "module": "list help",
        "slowlog": "get len help",
        "xgroup": "create createconsumer help",
    }.items()
}


def _redis_command(words: Sequence[str]) -> Verdict:
    name, *rest = [word.lower() for word in words]
    second = rest[0] if rest else ""
    if name in _REDIS_PARTS and second not in _REDIS_PARTS[name]:
        return destructive(f"redis {name} {second}".strip())
    if name in ("expire", "pexpire") and not re.fullmatch(r"[1-9]\d*", "".join(rest[1:2])):
        return destructive(f"redis {name} removes the key")
    if {"maxlen", "minid", "replace"} & set(rest):
        return destructive(f"redis {name} removes entries")
    if name in _REDIS_CHANGES:
        return change(f"redis {name}")
    if name in _REDIS_READS or name in _REDIS_PARTS:
        return read(secret=name in ("config", "acl"))
    return destructive(f"redis {name}")


@handler
def _mongo(call: Call, run: Run) -> Verdict:
    """mongosh: the programs of --eval. A file among its operands runs as well."""
    texts = call.values("--eval")
    files = any(re.search(r"\.(m?js|mongodb)$", text) for text in call.texts) or len(call.operands) > 1
    if not texts or files:
        return unknown("a database shell, or a script that is not known")
    verdict = listed_flags(call) | _remote_database(call, run)
    return verdict | worst([languages.mongo(text) for text in texts])
