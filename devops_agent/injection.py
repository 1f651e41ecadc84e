"""Instructions hidden in what commands print and files hold: that is data, whatever it says.

What the model could take for the end of a result or for another speaker is made harmless; a result that
speaks to the agent is told, so that changes ask for the rest of the run.
"""

import re
import unicodedata

from devops_agent.patterns import regex

# Marks of roles and calls in the templates of models and in this protocol. A word more, and it is a text like
# any other: "## System requirements", <system.web>, [user].
_MARKS = regex(
    r"</?\s*(?:tool_call|tool_response|function_calls?)\b[^<>]{0,40}>"
    r"|</?\s*(?:think|plan|system|assistant)\s*/?>"
    r"|<\|[\w ]{1,40}\|>|\[/?(?:INST|SYS)\]|\[/(?:SYSTEM|ASSISTANT|USER)\]|<</?SYS>>"
    r"|#{2,9}[ \t]*(?:instruction|response)[ \t]*:"
    r"|^[ \t]*#{2,9}[ \t]*(?:system|assistant|human)[ \t]*:?[ \t]*$"
    r"|^[ \t]*(?:#{2,9}[ \t]*)?(?:assistant|human|system (?:message|prompt|note|override|notice))[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_INVISIBLE = regex(
    r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_AGENT = r"(?:ai|llm|agent|assistant|model|bot|automation|devops[- ]agent|language model|copilot)s?"
_AI = (
    r"(?:(?:ai|llm|coding|devops|automated|automation)[- ](?:agent|assistant|model|bot|operator)|ai|llm"
    r"|language[- ]model|copilot)s?"
)
_PROGRAMS = (
    r"(?:kubectl|docker|curl|wget|rm |bash|sh |chmod|helm|git |cat |nc |ssh|ufw|iptables|systemctl|sudo"
    r"|terraform|dd )"
)
_RUN = rf"(?:run|execute|type|call)\b[^.\n]{{0,20}}[\s`'\"“]{_PROGRAMS}"
_ACT = (
    r"(?:execute|run|call|invoke|decode|uninstall|delete|remove|ignore|disregard|obey|comply|send|upload"
    r"|begin|start|always|first|immediately)\b"
)
_ORDERS = (
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}"
    r"\b(?:previous|prior|above|earlier|all|any|your|the)\b[^.\n]{0,30}"
    r"\b(?:instruction|guideline|direction)",
    r"\b(?:ignore|disregard|forget) (?:(?:everything|all|all of|the) ){1,2}(?:above|previous|prior)[, ]{1,2}"
    r"(?:text |of it )?(?:and|then|instead)\b",
    r"\b(?:(?:ignore|disregard|forget)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|your)"
    r"|(?:override|bypass|skip)\b[^.\n]{0,40}\byour)\b"
    r"[^.\n]{0,30}\b(?:prompt|rule|order|message|task|context|polic|safety|restriction)",
    r"\b(?:new|updated|real|actual|revised|mandatory|urgent|hidden) (?:system )?"
    r"(?:instruction|directive)s?[ ]?:",
    r"\byour (?:new|updated|real|actual|revised) (?:instruction|directive|order|task)s?\b",
    r"\byour system prompt (?:is|was|has)\b|\b(?:reveal|print|show|repeat) your system prompt\b"
    r"|\bsystem override\b|\bsystem instructions? (?:for|to)\b",
    rf"\b(?:dear|hey|hello|hi|attention[,:!]) (?:the |any |all )?(?:automated )?{_AGENT}\b",
    rf"\b(?:note|notice|hint|instructions?|message) (?:to|for) (?:the |any |all )?{_AI}\b",
    rf"\b(?:to|for) (?:the |any |all )?(?:automated )?{_AI}\b[^.\n:]{{0,40}}:",
    rf"\b(?:to|for) (?:the |any |all )?(?:automated )?{_AGENT}\b[^.\n:]{{0,40}}:\s{{0,9}}"
    rf"(?:you\b|your\b|please\b|do not\b|{_PROGRAMS}|{_RUN})",
    rf"\b{_AI}[:,] [^.\n]{{0,60}}\b(?:you|your|please|run|execute|must)\b",
    rf"\b{_AI} (?:must|should|shall|need to|has to|have to|are required to) (?:\w+ )?{_ACT}",
    r"\byou are now (?!logged|signed|connected|authenticated|using|running|switched)(?:\w+ ){0,3}"
    r"(?:agent|assistant|ai|administrator|unrestricted|root)\b",
    rf"\bas an? (?:{_AI}|agent|assistant),? you\b|\bas an? {_AI}\b[^.\n]{{0,40}}\b(?:you|your|must|please)\b",
    rf"\b(?:assistant|agent)\b[^.\n]{{0,30}}\b(?:must|should|shall|please|has to|have to) (?:\w+ )?{_RUN}",
    r"\b(?:do not|don't|never) (?:tell|inform|notify|mention|alert)\b[^.\n]{0,30}"
    r"\b(?:user|operator|human|owner|anyone)\b|\b(?:do not|don't) ask the (?:user|operator|human)\b",
    r"\bthe (?:user|operator|owner) (?:has |have )?(?:already )?"
    r"(?:approved|authori[sz]ed|agreed to|consented to) (?:this|that|it|all|every|the following|you|to)\b",
    r"\b(?:user|admin(?:istrator)?|operator|owner|cto|security team) (?:has |have )?(?:already )?"
    r"(?:authori[sz]ed|asked|wants|requires|instructs|requests) you\b",
    r"\bplease\b[^.\n]{0,30}\b(?:send|upload|forward|pass|post)\b[^\n]{0,100}\b(?:curl|scp|nc|sftp|wget) ",
    r"\\?\"(?:name|tool|function)\\?\"\s*:\s*\\?\"(?:bash|write_file|read_file|get_env|final_answer)\\?\"\s*,"
    r"\s*\\?\"(?:arguments|parameters|args|input)\\?\"\s*:",
    r"\"(?:agent_instruction|ai_instruction|ai_action)s?\"\s*:",
    rf"\"(?:action_required|required_action)s?\"\s*:\s*\"[^\"\n]{{0,80}}{_PROGRAMS}",
    r"\b(?:ignorier\w*|vergiss|missachte)\b[^.\n]{0,40}\b(?:anweisung|vorherig|bisherig|regel)",
    r"\bneue anweisung",
    r"\b(?:ki|assistent|agent)\b[^.\n]{0,40}\b(?:muss|soll|bitte)\b",
    r"\b(?:ignora|olvida|omite|ignore)\b[^.\n]{0,40}\b(?:instruccion|anterior|regla|instruç)",
    r"\bignorez?\b[^.\n]{0,40}\b(?:les|toutes)\b[^.\n]{0,20}\b(?:instruction|consigne|règle)",
    r"(?:忽略|无视)[^。\n]{0,20}(?:指令|指示|提示|规则)|系统提示|игнорируй[^.\n]{0,40}(?:инструкц|указан|правил)"
    r"|指示を無視|(?:지시|명령)[^.\n]{0,20}무시",
)
# Whoever is spoken to, near to a command that destroys or sends data out.
_ADDRESSED = regex(
    r"(?P<program>\b(?:install|start|deploy|remove)\w* (?:the |an? )?(?:[\w-]{1,30} ){0,2}agents?\b)"
    r"|\b(?:ai|ia|ki|llm|assistant|asistente|assistent(?:en)?|language-model|chatbot|copilot)s?\b"
    r"|(?<![\w-])agents?\b|(?<![a-z])ai[-_]"
    r"|ki-assistent\w*|_agent_|@agent|助手|机器人|\buser:[ \t]+[a-z']+[.,!]?[ \t]+[a-z']+[.,!]?[ \t]+[a-z]"
    r"|\bme, your user\b|\\?\"role\\?\"|\byou are now\b|\bautomated operators\b",
    re.IGNORECASE,
)
_DANGER = regex(
    r"(?:\b(?:rm -|delete\b|drain\b|prune\b|uninstall\b|chmod -?\S* ?777|chmod 777|mkfs|dd if="
    r"|crontab -r|scp |nc \d|--replicas=0|clusterrolebinding|config --global|-delete\b|down -v"
    r"|shutdown|reset --hard)"
    r"|--all\b|(?<![a-z])clean[ _]+-fdx|curl [^\n]{0,200}(?:\||-F|-T|-d|@)|\| ?(?:ba)?sh\b"
    r"|[A-Za-z0-9+/]{60,}={0,2}|ufw disable|authorized_keys)",
    re.IGNORECASE,
)
_NEAR = 220
_LONGEST = 200_000  # the model sees far less of a text
_ORDER = regex("|".join(f"(?:{order})" for order in _ORDERS), re.IGNORECASE)


def neutral(text: str) -> str:
    """The text in which nothing closes a result or speaks as another."""
    return _MARKS.sub(lambda found: _harmless(found[0]), _INVISIBLE.sub("", text))


def _harmless(mark: str) -> str:
    return re.sub(r"[<>\[\]|#:]", lambda found: _LOOKALIKES[found[0]], mark)


_LOOKALIKES = {"<": "‹", ">": "›", "[": "⟦", "]": "⟧", "|": "¦", "#": "♯", ":": "："}


def speaks_to_agent(text: str) -> str:
    """The words of a text that speak to the agent as only the user may; "" if there are none."""
    if len(text) > _LONGEST:
        text = text[: _LONGEST // 2] + text[-_LONGEST // 2 :]
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).translate(_HOMOGLYPHS)
    # an instruction may be parted into lines, each behind a mark of a comment
    joined = re.sub(r"(?<![ \t])[ \t]*\n[ \t#/*>|-]*", " ", plain)
    found = _MARKS.search(plain) or _ORDER.search(plain) or _ORDER.search(joined)
    words = found[0] if found else _dangerous(plain) or _dangerous(joined)
    return " ".join(words.split())[:80]


def _dangerous(text: str) -> str:
    """The words in which somebody is spoken to, up to a command close behind that does harm."""
    addressed = (found for found in _ADDRESSED.finditer(text) if not found["program"])
    last, following = None, next(addressed, None)
    for danger in _DANGER.finditer(text):
        while following and following.end() <= danger.start():
            last, following = following, next(addressed, None)
        if last and danger.start() - last.end() <= _NEAR:
            return text[last.start() : danger.end()]
    return ""


_HOMOGLYPHS = str.maketrans("аеорсухіјѕԁɡһ", "aeopcyxijsdgh")
