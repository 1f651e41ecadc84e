"""Databases: the statements that their clients run."""

import re
from collections.abc import Sequence

from devops_agent.policy import languages
from devops_agent.policy.call import Call
from devops_agent.policy.handlers import Run, handler, worst
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown


@handler
def _sql(call: Call, run: Run) -> Verdict:
    """psql, mysql, sqlite3: the SQL of their flags, operands and standard input."""
    texts = call.values("-c", "--command", "-e", "--execute", "-cmd")
    if call.program == "psql" and call.given("-l", "--list", "-V"):
        return read()
    if call.program == "sqlite3":
        texts = [*call.values("-cmd"), *call.texts[1:]]
        texts = [text for text in texts if not _is_dot_read(text)]
        if not call.texts[1:] and run.feed is None:
            return unknown("a database shell for a person")
        if any(text.lstrip().startswith(".") for text in texts):
            return unknown("a command of sqlite3 that is not known")
    if call.given("-f", "--file"):
        return unknown(f"{call.program} runs a file that is not known")
    verdict = worst([languages.sql(text) for text in texts])
    for path in call.values("-o", "--output", "-L", "--log-file"):
        verdict |= run.write(path)
    if texts or (call.program == "sqlite3" and call.texts[1:]):
        return verdict
    if run.feed is None:
        return unknown("a database shell for a person")
    return languages.sql(run.feed.script)


def _is_dot_read(text: str) -> bool:
    return bool(
        re.match(
            r"\s*\.(tables|schema|headers?|mode|databases|indexes|indices|dump|show|separator|width"
            r"|import \S+ \w+$)\b",
            text,
        )
    )


@handler
def _redis(call: Call, run: Run) -> Verdict:
    if call.given(
        "--scan",
        "--bigkeys",
        "--memkeys",
        "--hotkeys",
        "--latency",
        "--stat",
        "--version",
        "--intrinsic-latency",
    ):
        return read()
    if call.given("--eval", "--pipe", "--functions-rdb"):
        return unknown("redis-cli runs what is not known")
    if not call.operands:
        if run.feed is None:
            return unknown("a database shell for a person")
        lines = (
            []
            if run.feed.text is None
            else [line.split() for line in run.feed.text.splitlines() if line.strip()]
        )
        return (
            worst([_redis_command(words) for words in lines])
            if lines
            else unknown("redis-cli runs what is not known")
        )
    return _redis_command(call.texts)


_REDIS_READS = frozenset(
    """get mget keys scan sscan hscan zscan info ping ttl pttl type exists strlen llen lrange lindex hget
    hmget hgetall hkeys hvals hlen hexists smembers scard sismember srandmember zrange zrevrange zcard
    zscore zrank zcount zrangebyscore zrevrangebyscore dbsize time lastsave echo memory object
    slowlog monitor pubsub xlen xrange xrevrange xinfo getrange bitcount randomkey role
    command dump touch geopos geodist pfcount xread xpending lpos smismember sinter sunion sdiff lolwut
    hstrlen waitaof""".split()
)
_REDIS_CHANGES = frozenset(
    """set setnx setex psetex mset msetnx append incr incrby incrbyfloat decr decrby hset hmset hsetnx
    hincrby lpush rpush lpushx rpushx linsert sadd zadd zincrby expire pexpire expireat persist publish
    bgsave save setrange setbit pfadd xadd geoadd xgroup select auth hello copy""".split()
)


def _redis_command(words: Sequence[str]) -> Verdict:
    name = words[0].lower()
    second = words[1].lower() if len(words) > 1 else ""
    if name in ("config", "client", "acl", "cluster", "latency", "script", "function", "module"):
        looks = second in (
            "get",
            "list",
            "info",
            "getname",
            "id",
            "nodes",
            "slots",
            "whoami",
            "doctor",
            "latest",
            "history",
            "exists",
            "cat",
            "users",
            "getuser",
            "shards",
        )
        return read(secret=name == "config") if looks else destructive(f"redis {name} {second}")
    if name == "slowlog" and second == "reset":
        return destructive("redis slowlog reset")
    if name in _REDIS_READS:
        return read()
    return change(f"redis {name}") if name in _REDIS_CHANGES else destructive(f"redis {name}")


_MONGO_READS = re.compile(
    r"(find|findOne|count|countDocuments|estimatedDocumentCount|distinct|aggregate|stats|status|explain|limit|sort|skip|pretty"
    r"|forEach|map|filter|print|printjson|tojson|toArray|hello|isMaster|version|serverStatus|currentOp|hostInfo|conf"
    r"|get[A-Z]\w*|list[A-Z]\w*|print[A-Z]\w*|ObjectId|ISODate|Date|NumberLong|stringify|keys|values|entries|toFixed|projection)"
)


@handler
def _mongo(call: Call, run: Run) -> Verdict:
    texts = call.values("--eval")
    if not texts or call.given("-f", "--file"):
        return unknown("a database shell, or a script that is not known")
    verdict = read()
    for text in texts:
        bare = re.sub(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])*'", "''", text)
        called = re.findall(r"(\w+)\s*\(", bare)
        unread = [name for name in called if not _MONGO_READS.fullmatch(name)]
        if (
            UNSEEN in text
            or "`" in bare
            or re.search(r"\$(out|merge|function|where)\b|\[\s*''\s*\]\s*\(", bare)
        ):
            verdict |= unknown("mongosh runs what is not known")
        elif any(
            re.match(
                r"delete|remove|drop|update|replace|findAndModify|findOneAnd|bulk|rename|shutdown|kill", each
            )
            for each in unread
        ):
            verdict |= destructive("mongosh removes or replaces")
        elif any(not re.match(r"insert|create|save|grant", each) for each in unread):
            verdict |= unknown("mongosh runs what is not known")
        elif unread:
            verdict |= change("mongosh inserts")
    return verdict
