"""What a task wants, as far as its words tell: that something is changed, or only to know.

A question that is taken for a wish ends with exit code 1 though it was answered; in doubt it is a question.
"""

import re

from devops_agent.patterns import regex

_VERBS = r"""create|scale|set|add|expose|configure|fix|repair|restart|delete|remove|start|stop|kill|build
|write|append|prepend|insert|change|update|switch|upgrade|downgrade|bump|roll|undo|revert|label|annotate
|commit|tag|copy|put|give(?! (?:me|us)\b)|make(?! (?:me )?an? (?:\w+ )?(?:list|table|summary|overview)\b)
|replace|lock|correct|deploy|redeploy|install|uninstall|apply|patch|move|rename|enable|disable|resume|suspend
|pause|unpause|drain|cordon|uncordon|taint|mount|unmount|attach|detach|connect|disconnect|allow|deny|forbid|block
|grant|revoke|increase|raise|lower|decrease|double|halve|reduce|optimi[sz]e|shrink|resize|limit|clean|clear|empty|wipe
|purge|prune|stash|merge|rebase|push|pull|save|extract|pack|unpack|compress|archive|generate|regenerate|renew|rotate
|dockeri[sz]e|containeri[sz]e|package|setup|set up|autoscale|evict|reboot|reload|recreate|rebuild|reset
|restore|modify|edit|adjust|convert|migrate|upload|download|schedule|assign|point|redirect|store|launch|ensure
|truncate|import|register|chmod|chown|link|symlink|encrypt|protect|harden|secure|unblock|clone|init|initiali[sz]e
|terminate|unstage|discard|throw away|untrack|amend|reword|uncomment|comment|tar|zip|gzip|unzip|end
|rerun|retry|promote|drop|trigger|pass(?= )|let(?! (?:me|us)\b)|extend|expand|grow|exclude
|load(?! (?:average|per|of|on|and|or)\b)|export|touch|trim|strip|swap|pin|unpin|cap|restrict|permit|mark
|bind(?! mounts?\b)|publish|triple|shorten|prolong
|postpone|dedupe|deduplicate|freeze|unfreeze|isolate|cancel|abort|respawn|bounce|substitute|rewrite|tune|adapt|sync|transfer|combine|relabel
|retag|undeploy|fill|decommission|retire|weed|sweep|chop|split|normali[sz]e|cut|park|hold|route
|send(?! (?:me|us)\b)|shift|feed|recycle|squash|concatenate|transform
|serve(?= )|render|fetch(?! (?:me|us)\b)|keep(?= (?:an? )?(?:backup )?cop(?:y|ies)\b)
|draft|unset|stamp|plug|hook|hand(?! (?:me|us)\b)|kick|duplicate|turn(?= [^.;]* (?:in)?to\b)
|have(?= \S+ (?:run|use|load|start|listen|mount|save)\b)
|sort(?=(?: \S+){1,6} into\b)|keep(?= (?:just|only|at most) \d)
|run(?= docker containers?\b)
|run(?= (?:it|them)\b)|run(?= [a-z][\w./-]*:[\w.-]+ )|use(?= (?:it|them) (?:as|in|for)\b)
|run(?= (?:an?|the|my|our|one|two|three|\d+|another|image \S+|\S+(?: v?[\d.]+)? (?:as|in|on|with|behind))\b)
(?! (?:an?|the|my|our) (?:\w+ )?(?:commands?|tests?|checks?|quer(?:y|ies)|scan|diagnos\w+|benchmark)\b)
""".replace("\n", "")
_PHRASE = (
    r"(?:(?:go|bring|get|turn|switch|put|take|shut|spin|tear|clean|scale|roll|fire|free|back|stand)"
    r"(?: \S+){0,5}? (?:back|up|down|on|off|out|online|offline|running|going)|get rid of"
    r"|check(?: \S+){1,4} out|new (?=(?:config ?map|secret|account|user|namespace|deployment|service|branch"
    r"|tag|cron ?job|network|volume|container|folder|file)\b))\b"
)
# "Commit history", "Start time": a noun and no wish.
_NOUN = (
    r"(?! (?:logs?|history|points?|status|versions?|sizes?|messages?|hash(?:es)?|ranges?|selectors?|time"
    r"|order|events?|counts?|reasons?|policy|policies|names?|numbers?)\b(?!/| to\b))"
)
_VERB = rf"(?:{_PHRASE}|(?:{_VERBS})(?![\w-]|\.\w){_NOUN})"
_LEAD = (
    r"(?:(?:please|kindly|then|also|now|so|and|next|first|finally|ok|okay|hi|hello|hey|just|quickly|[-*•]"
    r"|\d+[.)])[,:]?\s+){0,3}"
)
_SENTENCE = regex(r"(?<=[.;!?])\s+|\n+")
# "In app.ini add …", "In namespace shop, scale …": where, before what.
_PLACE = (
    r"(?:(?:in|on|from|to|for) (?:(?:the |my |our )?(?:file |folder )?[^\s,?]*[./][^\s,?]+,?"
    r"|[^,?.;:]{1,60},)\s+)?"
)
_IMPERATIVE = regex(rf"\s*{_LEAD}{_PLACE}{_LEAD}(?:you (?:can|may) {_LEAD})?{_VERB}", re.IGNORECASE)
_REQUEST = regex(
    r"\b(?:please|(?:can|could|would|will) (?:you|we|someone|somebody)|i(?:['’]d| would) like you to"
    rf"|want you to|help me(?: to)?|let['’]?s)\s+{_LEAD}{_VERB}",
    re.IGNORECASE,
)
_SECOND = regex(rf"(?:[,:–—]|\s-|\b(?:and|then|but))\s+{_LEAD}{_VERB}", re.IGNORECASE)
# In a sentence that asks, a second wish has something that it is done to: "Find out why and fix it".
_NO_OBJECT = (
    r"(?:in|on|at|of|for|from|by|with|to|and|or|but|when|while|after|before|again|often|randomly|constantly"
    r"|all the time|properly|correctly|successfully|every|within)\b"
)
_BESIDE_QUESTION = regex(
    rf"(?:,|\band|\bthen)\s+{_LEAD}(?:{_PHRASE}|{_VERB}\s+(?!{_NO_OBJECT})\w)", re.IGNORECASE
)
_IN_QUESTION = regex(
    rf"(?:,|\band|\bthen)\s+{_LEAD}{_VERB}\s+(?:it|them|this|that|these|those|the|its)\b", re.IGNORECASE
)
_NEED = regex(
    r"\b(?:i|we) (?:need|want|would like)"
    r"(?! to (?:know|see|understand|find|learn|check|have a look|look|get an)\b)"
    r"(?! (?:an?|the|some) (?:\w+ )?(?:list|overview|summary|explanation|number|names?|reason|logs?|answer"
    r"|hint|idea)\b) (?:an?|the|another|one|two|three|four|five|\d+|to)\b|\bneeds an?\b"
    r"|\b(?:i|we) (?:need|want) (?:it|that|this|them|its|the|all)\b[^.;?]*?"
    r" (?:as (?:an?|the) (?:image|file|archive)|(?:as|into) (?:the file )?[\w./-]+\.[a-z]{2,5})\b"
    r"|\b(?:should|must|shall|ought to) (?!i\b|we\b)\w+"
    r"|(?<!\bi )(?<!\bwe )\b(?:has|have) to"
    r" (?!know|see|understand|find|learn|wait|do\b|have\b|be (?:able|there|done)\b)\w+"
    rf"|\bto {_VERB}",
    re.IGNORECASE,
)
_ASKS = regex(
    rf"\s*{_LEAD}(?:why|what|which|who|whose|where|when|how|is|are|am|was|were|does|do (?:the|my|our|any|all"
    r"|we|i|you|these|those|they|both)|did|has|have|had|should|find out|find|tell|list|show|explain|describe"
    r"|count|check|see|look|print|display|compare|verify|report|inspect|investigate|summari[sz]e|analy[sz]e"
    r"|give (?:me|us)|get (?!rid |(?:\S+ ){1,6}(?:running|going|up|back)\b)"
    r"|i(?:['’]d| would) like to (?:know|see)|(?:i|we) (?:want|need) to (?:know|see|understand|find)"
    r"|(?:can|could|would|will) you (?:please )?(?:tell|show|list|explain|check|find|give|look))\b",
    re.IGNORECASE,
)
_NEGATED = regex(
    r"\b(?:do not|don['’]?t|never|without|not to|must not|neither|nor|no need to|instead of)"
    r"\s+(?:\w+ and )?\w+"
    r"|\b(?:change|delete|modify|remove|touch|restart|stop|fix|edit) nothing\b"
    r"|\bnot (?:count|includ)ing\b|\bno \w+ (?:yet|now|needed|please)\b|\bthere(?: is|['’]s) no \w+"
    r"|(?:[,;.]|\band)\s+no \w+(?: \w+)?(?: or \w+)?(?=[,.;!?]|$| please\b)"
    r"|\b(?:the |its |all |my )?\w+ (?:can|may|must|has to|have to|should) (?:stay|remain|survive)\b"
    r"|\bleave (?:\S+ ){1,4}(?:alone|as (?:it|they) (?:is|are)|in place)\b",
    re.IGNORECASE,
)
_ONLY_TELL = regex(
    r"\b(?:only|just) (?:(?:tell|show|list|report|explain)(?! up\b)|look)\b"
    r"|\bhow (?:to|do i|can i|would i)\b",
    re.IGNORECASE,
)


def asks_for_change(task: str) -> bool:
    """Whether a task is done only when something was changed."""
    if _ONLY_TELL.search(task):
        return False
    sentences = _SENTENCE.split(without_negations(task))
    if any(map(_wishes, sentences)):
        return True
    return not any(map(_asks, sentences)) and bool(_NEED.search(task))


_LOOK_FIRST = regex(
    r"(?:^|[,.;:!]|\b(?:just|only|please|first|let me|want to))\s*(?:(?:just|only|please|first)\s+)?"
    r"(?:list|show|see|tell|look|print|display|describe|count)\b",
    re.IGNORECASE,
)
_OTHERWISE = regex(r"\b(?:instead|skip|use|with|but)\b", re.IGNORECASE)


def only_asks(text: str) -> bool:
    """Whether a text asks to be shown something before anything is done: "just list them first"."""
    return bool(_LOOK_FIRST.search(text)) and not _OTHERWISE.search(text) and not asks_for_change(text)


# "Which container uses the most memory?" wants one; "which containers use most" wants several.
_ASKS_ONE = regex(
    r"\b(?:which|what)\b(?! (?:\d+|two|three|five|ten)\b)[^?.;]*?"
    r"\b(?:uses|eats|takes|has|needs|consumes|holds|is|was|owns|writes|got|occupies|hogs)\b[^?.;]*?"
    r"\b(?:most|largest|biggest|highest|greatest|heaviest|longest|fattest)\b",
    re.IGNORECASE,
)
_ASKS_SEVERAL = regex(
    r"(?<![\w-])\d+(?![\w-])|\b(?:top|each|every|second|third|list|all|three|five|ten|both)\b", re.IGNORECASE
)


def asks_for_the_most(task: str) -> bool:
    """Whether a task wants to know the one thing that has most of something."""
    return bool(_ASKS_ONE.search(task)) and not _ASKS_SEVERAL.search(task)


def tells_to(wish: str) -> bool:
    """Whether a wish says what to do; "its data should go into a volume" only says how."""
    return _wishes(without_negations(wish))


_TELLS = regex(
    r"\b(?:tell (?:me|us)|find out|report|explain|what(?:['’]s| was| is| went)|which|why"
    r"|the (?:reason|cause))\b",
    re.IGNORECASE,
)


def asks_to_tell(task: str) -> bool:
    """Whether a task wants to know something, beside what it wants done."""
    return bool(_TELLS.search(task))


def without_negations(task: str) -> str:
    """A task without what it says not to do."""
    return _NEGATED.sub(" ", task)


_VARIABLES = regex(
    r"(?i:\benv|\bvariables?\b|\bget_env\b|\$)|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\b(?!(?:CPUs?|RAM|DNS|TLS|SSL|URLs?|API|HTTPS?|YAML|JSON|CSV|TCP|UDP|SSH|PVCs?|OOM|RBAC|TODO)\b)[A-Z]{3,}\b"
)


def speaks_of_variables(task: str) -> bool:
    """Whether a task may be about environment variables."""
    return bool(_VARIABLES.search(task))


def is_question(task: str) -> bool:
    """Whether a task asks to be told something, by its words."""
    return any(map(_asks, _SENTENCE.split(task)))


def _wishes(sentence: str) -> bool:
    if _REQUEST.search(sentence):
        return True
    if sentence.rstrip().endswith("?"):
        return bool(_IN_QUESTION.search(sentence))
    if _ASKS.match(sentence):
        return bool(_BESIDE_QUESTION.search(sentence))
    return bool(_IMPERATIVE.match(sentence) or _SECOND.search(sentence))


def _asks(sentence: str) -> bool:
    return sentence.rstrip().endswith("?") or bool(_ASKS.match(sentence))


_THEN = regex(r",?\s+(?:and\s+)?then\s+|,\s+afterwards\s+", re.IGNORECASE)


_WHETHER_THERE = regex(
    r"\W*(?:check|verify|see|make sure|confirm|test)\b.*"
    r"\b(?:exists?|is there|(?:was|is|were) (?:created|written|made))\b",
    re.IGNORECASE,
)


def asks_whether_there(part: str) -> bool:
    """Whether a part of a task is a look whether something is there: "check if it exists"."""
    return bool(_WHETHER_THERE.match(part))


def parts(task: str) -> list[str]:
    """The parts of a task that come one after the other: "Build it, then run it" has two."""
    items = _items(task)
    ends = [*(match.start() for match in items[1:]), len(task)]
    stated = [task[match.end() : end] for match, end in zip(items, ends, strict=True)] if items else [task]
    if items and tells_to(before := task[: items[0].start()]):
        stated.insert(0, before)
    return [part.strip(" .") for each in stated for part in _THEN.split(each.strip()) if part.strip(" .")]


# "a deployment and a service", "…, plus a service": a second thing to make, without a verb of its own.
_ALSO = regex(
    r"(?:,?\s+(?:plus|as well as|together with|along with|and|(?:and )?in it)|,)\s+"
    r"(?=an? (?:\w+ )?(?:namespace|config ?map|secret"
    r"|deployment|service|pod|volume|network|ingress|cron ?job|job)\b)",
    re.IGNORECASE,
)
_JOINT = regex(
    rf"(?:,?\s+(?:and\s+then|and|then)\s+|,\s+){_LEAD}(?=(?:tell|show|give) (?:me|us)\b|{_PLACE}{_VERB})",
    re.IGNORECASE,
)
# One thing in two words.
_PAIRED = regex(r"\bread(?:s|ing)? (?:and|or) writ(?:e|es|ing)\b|\bstarts? and stops?\b", re.IGNORECASE)
# What stands in quotes is a value, and says nothing of what is wanted.
_QUOTED = regex(r"[\"“`][^\"”`]{1,80}[\"”`]")


# "Write me a logrotate file x.conf: rotate daily, compress them": how that file is to be.
_DESCRIBES = regex(
    r"(\b(?:write|create|make|draft|generate|need|want)\b[^.:;\n]*?"
    r"(?:\b(?:config\w*|script|file|manifest)\b|\w\.[a-z]{2,10}\b)(?:[^.:;\n]|\.\w)*?:)"
    r"(\s(?:(?!,? (?:and )?then\b)(?:[^.;\n]|\.\w))*)",
    re.IGNORECASE,
)


# Where a thing of a numbered list begins: "1) pack it, 2) copy it".
_ITEM = regex(
    r"(?:(?:\A|[,;:.]\s+|\n\s*|[,;:.]?\s+(?:and|then)\s+)(?P<at>\d{1,2}|[a-h])[.]"
    r"|(?:\A|[\s,;.:]+)(?:and\s+|then\s+)?\(?(?P<in>\d{1,2}|[a-h])\))\s+(?=[a-z\"'`])",
    re.IGNORECASE,
)


def _items(text: str) -> list[re.Match[str]]:
    """Where the things of a numbered list begin; none where the numbers do not follow each other."""
    found = list(_ITEM.finditer(text))
    numbers = [(match["at"] or match["in"]).lower() for match in found]
    counts = numbers in ([str(n + 1) for n in range(len(found))], list("abcdefgh"[: len(found)]))
    return found if counts and len(found) > 1 else []


def wishes(task: str) -> list[str]:
    """What a task says, thing by thing: "Create a volume and mount it" wants two."""
    # nothing is parted within what is quoted, or not to be done
    masked = task
    for pattern in (_QUOTED, _NEGATED, _PAIRED):
        masked = pattern.sub(lambda match: "·" * len(match[0]), masked)
    masked = _DESCRIBES.sub(lambda match: f"{match[1]}{'·' * len(match[2])}", masked)
    cuts = {match.span(): "" for pattern in (_SENTENCE, _JOINT) for match in pattern.finditer(masked)}
    cuts |= {match.span(): "create " for match in _ALSO.finditer(masked)}
    items = {match.span(): "" for match in _items(masked)}
    starts = {start for start, _ in items}
    cuts = {span: lead for span, lead in cuts.items() if span[0] not in starts} | items
    found, start, lead = [], 0, ""
    for (end, next_start), next_lead in [*sorted(cuts.items()), ((len(task), len(task)), "")]:
        if end < start:
            continue
        wish = task[start:end].strip(" .,;:\n")
        found += [f"{lead}{wish}"] if wish else []
        start, lead = next_start, next_lead
    return found


_FIRST = regex(
    r"\A\s*(?:(?:please|then|also|and|next|first|finally|now|just|can you|could you)[,:]?\s+)+", re.IGNORECASE
)
# "Save it, so that I can load it elsewhere": what is done with it later is not wanted now.
_PURPOSE = regex(r"\bso (?:that )?(?:i|we|they|others|my \w+|our \w+) [^.;]*", re.IGNORECASE)


def core(text: str) -> str:
    """What a text says is wanted: without what is quoted, not to be done, or done with it later."""
    return _FIRST.sub("", _PURPOSE.sub(" ", _QUOTED.sub(" ", without_negations(text))))


def verb_of(wish: str) -> str:
    """The word with which a wish begins."""
    return next(iter(re.findall(r"[a-z]+", core(wish).lower())), "")
