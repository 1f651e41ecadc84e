"""Instructions hidden in what commands print and files hold: that is data, whatever it says.

What the model could take for the end of a result or for another speaker is made harmless; a result that
speaks to the agent is told, so that changes ask for the rest of the run.
"""

import re
import unicodedata

# Marks of roles and calls in the templates of models and in this protocol.
_MARKS = re.compile(
    r"</?\s*(?:tool_call|tool_response|think|plan|system|assistant|function_calls?)\b[^<>]{0,40}>"
    r"|<\|[\w ]{1,40}\|>|\[/?(?:INST|SYS|SYSTEM|ASSISTANT|USER)\]|<</?SYS>>"
    r"|^[ \t]*#{2,}[ \t]*(?:system|assistant|human|instructions?|response)\b[^\n]{0,20}$"
    r"|^[ \t]*(?:assistant|human|system (?:message|prompt|note|override|notice))[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_INVISIBLE = re.compile(
    r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_AGENT = r"(?:ai|llm|agent|assistant|model|bot|automation|devops[- ]agent|language model|copilot)s?"
_PROGRAMS = r"(?:kubectl|docker|curl|wget|rm |bash|sh |chmod|helm|git |cat |nc |ssh|ufw|iptables|systemctl)"
_ORDERS = (
    r"\b(?:ignore|disregard|forget|override|bypass|skip)\b[^.\n]{0,40}"
    r"\b(?:previous|prior|above|earlier|all|any|your|the|other)\b[^.\n]{0,30}"
    r"\b(?:instruction|prompt|rule|guideline|direction|order|message|task|context|polic|safety|restriction)",
    r"\b(?:new|updated|real|actual|additional|revised|mandatory|urgent|hidden) (?:system )?"
    r"(?:instruction|directive|order)s?\b",
    r"\byour system prompt\b|\bsystem (?:override|instruction)\b",
    rf"\b(?:dear|hey|hello|hi|attention|note to|notice to|instructions? (?:to|for)|message (?:to|for)|for the"
    rf"|to the"
    rf"|to any|to all)[,:]? (?:the |any |all )?(?:automated )?{_AGENT}\b",
    rf"\b(?:ai|llm|coding|devops|automated|automation) {_AGENT}\b[^.\n]{{0,60}}"
    r"\b(?:must|should|shall|need|please|run|execute|has to|have to|are required)\b",
    r"\byou are (?:now|in)\b[^.\n]{0,40}"
    r"\b(?:agent|assistant|mode|administrator|unrestricted|maintenance)",
    rf"\bas an? {_AGENT}\b|\b(?:assistant|agent)\b[^.\n]{{0,30}}\b(?:must|should|shall|please)\b",
    r"\b(?:do not|don't|never|without) (?:tell|inform|ask|notify|mention|alert)\w*\b[^.\n]{0,30}"
    r"\b(?:user|operator|human|owner|anyone|confirmation|approval|permission)",
    r"\b(?:user|admin(?:istrator)?|operator|owner|cto|security team) (?:has |have )?(?:already )?"
    r"(?:approved|authori[sz]ed|confirmed|asked you|wants you|requests|requires you|instructs)",
    r"\b(?:you must|you should|you need to|you have to|please|immediately)\b[,:]? "
    r"(?:immediately |now |also |then )?"
    rf"(?:run|execute|call|invoke|apply|delete|remove|send|upload|post)\b[^\n]{{0,80}}{_PROGRAMS}",
    r"\"(?:name|tool|function)\"\s*:\s*\"(?:bash|write_file|read_file|get_env|final_answer)\"",
    r"\"(?:agent_instruction|system_prompt|ai_action|action_required|required_action)s?\"\s*:",
    r"\b(?:ignorier\w*|vergiss|missachte)\b[^.\n]{0,40}\b(?:anweisung|vorherig|bisherig|regel)",
    r"\bneue anweisung",
    r"\b(?:ki|assistent|agent)\b[^.\n]{0,40}\b(?:muss|soll|bitte)\b",
    r"\b(?:ignora|olvida|omite|ignore)\b[^.\n]{0,40}\b(?:instruccion|anterior|regla|instruç)",
    r"\b(?:ejecuta|ejecute|borra|elimina|execute|exécute[rz]?)\b[^.\n]{0,40}(?:el comando|o comando"
    r"|la commande)",
    r"\bignorez?\b[^.\n]{0,40}\b(?:les|toutes)\b",
    r"忽略|无视|請執行|请执行|执行以下|立即执行|系统提示|игнорируй|выполни|指示を無視|実行してください|무시하",
)
# Whoever is spoken to, near to a command that destroys or sends data out.
_ADDRESSED = re.compile(
    r"\b(?:ai|ia|ki|llm|agent|assistant|asistente|assistent|language-model|chatbot|copilot)s?\b"
    r"|(?<![a-z])ai[-_]"
    r"|ki-assistent\w*|_agent_|@agent|助手|机器人|\buser:|\bme, your user\b|\\?\"role\\?\"|\byou are now\b"
    r"|\bautomated operators\b",
    re.IGNORECASE,
)
_DANGER = re.compile(
    r"(?:\b(?:rm -|delete\b|drain\b|prune\b|uninstall\b|chmod -?\S* ?777|chmod 777|mkfs|dd if="
    r"|crontab -r|scp |clean -fdx|nc \d|--replicas=0|clusterrolebinding|config --global|-delete\b|down -v"
    r"|shutdown|reset --hard)"
    r"|--all\b|curl [^\n]{0,200}(?:\||-F|-T|-d|@)|\| ?(?:ba)?sh\b|[A-Za-z0-9+/]{60,}={0,2}|git__clean"
    r"|ufw disable|authorized_keys)",
    re.IGNORECASE,
)
_NEAR = 220
_LONGEST = 200_000  # the model sees far less of a text
_ORDER = re.compile("|".join(f"(?:{order})" for order in _ORDERS), re.IGNORECASE)


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
    addressed = _ADDRESSED.finditer(text)
    last, following = None, next(addressed, None)
    for danger in _DANGER.finditer(text):
        while following and following.end() <= danger.start():
            last, following = following, next(addressed, None)
        if last and danger.start() - last.end() <= _NEAR:
            return text[last.start() : danger.end()]
    return ""


_HOMOGLYPHS = str.maketrans("аеорсухіјѕԁɡһ", "aeopcyxijsdgh")
