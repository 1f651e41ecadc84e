"""The JavaScript of mongosh: a read if all that it calls reads."""

import re

from devops_agent.patterns import regex
from devops_agent.policy.languages.analysis import unseen
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown

_TOKEN = regex(
    r"(?P<text>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<division>(?<=[\w)])\s*/(?![/*]))"
    r"|(?P<pattern>(?<=[(:,=])\s*/(?![/*])(?:\\.|[^/\\\n\[])+/[gimsuy]*)|(?P<strange>[\"'`/\\])"
)
_KEYWORDS = "if for while return typeof switch catch function of in".split()
# Behind one of these words a `/` begins a pattern.
_BEFORE_PATTERN = regex(
    r"\b(if|for|while|with|return|typeof|in|of|case|do|else|void|delete|new|instanceof|yield|await|throw)\b"
)
_READS = regex(
    rf"({'|'.join(_KEYWORDS)}|find|findOne|count|countDocuments|estimatedDocumentCount|distinct|aggregate|stats"
    r"|status|explain|limit|sort|skip|pretty|forEach|map|filter|print|printjson|hello|isMaster|version"
    r"|serverStatus|currentOp|hostInfo|conf|serverBuildInfo|dataSize|storageSize|totalSize|totalIndexSize"
    r"|get[A-Z]\w*|list[A-Z]\w*|print[A-Z]\w*|to[A-Z]\w*|tojson|ObjectId|ISODate|Date|NumberLong|NumberInt|Number"
    r"|String|stringify|keys|values|entries|projection|join|slice|includes|push|concat|reduce|some|every|indexOf"
    r"|startsWith|endsWith|split|trim|padEnd|padStart|hasNext|next|itcount|size|flat|hint|maxTimeMS|batchSize"
    r"|readPref|round|floor|ceil|max|min|isArray|now)"
)
_CHANGES = regex(r"(insert|create|save|grant)\w*")
_HARMS = regex(
    r"(delete|remove|drop|update|replace|rename|findAndModify|findOneAnd|bulk|shutdown|kill|fsync|compact)"
    r"([A-Z]\w*)?"
)
_STAGES = regex(r"\$(out|merge|function|where|accumulator)\b")
_REACHES = regex(
    r"\b(constructor|prototype|__proto__|eval|Function|load|require|process|globalThis|global|import|Mongo|run"
    r"|Reflect|Proxy|arguments)\b"
)
_COMPUTED = regex(r"[\w)\]]\s*\[(?!\s*(?:\d+|'')\s*\])|\[\s*''\s*\]\s*\(|\]\s*:|''\s*\[|\)\s*\(|\?\.\s*[(\[]")
_ASKS = regex(
    r"\b(adminCommand|runCommand)\(\s*(?P<mark>\{\s*)?(?P<quote>[\"']?)(ping|hello|isMaster|serverStatus|buildInfo"
    r"|listDatabases|dbStats|replSetGetStatus|connPoolStats|hostInfo)(?P=quote)\s*(?(mark):\s*1\s*\})\s*\)"
)


def mongo(text: str) -> Verdict:
    """The effect of a program of mongosh."""
    if found := unseen(text, "JavaScript"):
        return found.verdict
    text = _ASKS.sub("hello()", text)
    bare, at, members = "", 0, ""
    divides = not _BEFORE_PATTERN.search(text)
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "division" and divides:
            continue
        strange = match.lastgroup in ("strange", "division") or re.search(r"\\[ux\d]", match[0])
        if strange or _STAGES.search(match[0]):
            return unknown("mongosh runs what is not known")
        if re.search(r"[\w)\]]\s*\[\s*$", text[max(0, match.start() - 20) : match.start()]):
            members += f" {match[0][1:-1]} "
        bare += text[at : match.start()] + "''"
        at = match.end()
    bare += text[at:]
    if _STAGES.search(bare) or _COMPUTED.search(bare) or _REACHES.search(bare + members):
        return unknown("mongosh runs what is not known")
    if any(_HARMS.fullmatch(name) for name in re.findall(r"\b\w+\b(?!\s*:)", bare + members)):
        return destructive("mongosh removes or replaces")
    called = [name for name in re.findall(r"\b(\w+)\s*\(", bare) if not _READS.fullmatch(name)]
    if any(not _CHANGES.fullmatch(name) for name in called):
        return unknown("mongosh runs what is not known")
    return change("mongosh inserts") if called else read()
