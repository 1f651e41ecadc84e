"""SQL as each client reads it, with the commands of the clients among it.

A backslash escapes a quote for one client and not for another, and comments differ as well. So statements are
parted by the rules of the client, and one is only a read if all of its functions are known to be harmless.
"""

import re

from devops_agent.patterns import regex
from devops_agent.policy.languages.analysis import Analysis, Part, feeds, reads, unseen
from devops_agent.policy.syntax import UNSEEN
from devops_agent.policy.verdict import Verdict, change, destructive, read, unknown


def _escaped(mark: str) -> str:
    return rf"{mark}(?:\\[\s\S]|{mark}{mark}|[^{mark}\\])*{mark}"


def _plain(mark: str) -> str:
    return rf"{mark}(?:[^{mark}]|{mark}{mark})*{mark}"


_DOLLARS = r"(?<![\w$])\$(?P<tag>(?:[A-Za-z_]\w*)?)\$[\s\S]*?\$(?P=tag)\$"
_BLOCK = r"/\*(?:(?!/\*)[\s\S])*?\*/"


def _lexer(texts: str, names: str, comments: str, commands: str, strange: str) -> re.Pattern[str]:
    """Finds what is no word: texts, quoted names, comments, commands of the client, and what is strange."""
    return regex(
        rf"(?P<text>{texts})|(?P<name>{names})|(?P<comment>{comments})|(?P<command>{commands})"
        rf"|(?P<strange>['\"`\\]|/\*|\*/|[\x00-\x08\x0b\x0c\x0e-\x1f]|{strange})"
    )


_LEXERS = {
    # a backslash before a quote depends on a setting; `:name` stands for the text of a variable
    "psql": _lexer(
        rf"(?<![\w$])[eE]{_escaped(chr(39))}|'(?:[^'\\]|''|\\(?!'))*'|{_DOLLARS}",
        _plain('"'),
        rf"--[^\n]*|{_BLOCK}",
        r"\\;|\\[^\n]*",
        r"(?<![\w$])\$\w*\$|(?<!:):(?!:)(?=[A-Za-z_'\"{])",
    ),
    # `/*!` begins text that runs
    "mysql": _lexer(
        f"{_escaped(chr(39))}|{_escaped(chr(34))}",
        _plain("`"),
        rf"(?:--(?=\s|$)|#)[^\n]*|(?!/\*M?!){_BLOCK}",
        r"\\[gGc]",
        r"(?!)",
    ),
    "sqlite3": _lexer(
        _plain("'"), rf"{_plain(chr(34))}|{_plain('`')}|\[[^\]]*\]", rf"--[^\n]*|{_BLOCK}", r"(?!)", r"[\[#]"
    ),
    "clickhouse-client": _lexer(
        rf"{_escaped(chr(39))}|{_DOLLARS}",
        r"\"[^\"\\]*\"|`[^`\\]*`",
        rf"--[^\n]*|{_BLOCK}",
        r"\\[gGc]",
        r"#|\$\w*\$",
    ),
}
_PARTS_OTHERWISE = regex(r"(?i)sql_mode|standard_conforming_strings|backslash_quote")


def sql(text: str, client: str = "psql") -> Analysis:
    """What SQL does in a client: psql, mysql, sqlite3 or clickhouse-client."""
    if found := unseen(text, "SQL"):
        return found
    if _PARTS_OTHERWISE.search(text):
        return Analysis(unknown("the SQL changes how SQL is read"))
    bare, at, verdict = "", 0, read()
    parts: list[Part] = []
    for match in _LEXERS[client].finditer(text):
        bare += text[at : match.start()]
        at = match.end()
        inner = match[0][1:-1]
        if match.lastgroup == "strange":
            return Analysis(unknown("the SQL is not understood"))
        if match.lastgroup == "command" and client == "psql" and match[0] != "\\;":
            done = _psql_command(match[0])
            verdict |= done.verdict
            parts += done.parts
            bare += ";" if _PSQL_ENDS.match(match[0]) else "\n"
        elif match.lastgroup == "name":
            bare += f'"{inner}"' if re.fullmatch(r"\w+", inner) else '""'
        else:
            bare += {"text": "''", "comment": " ", "command": ";"}[match.lastgroup or ""]
    for statement in (bare + text[at:]).lower().split(";"):
        verdict |= _statement(statement)
    return Analysis(verdict, tuple(parts))


# --- statements -------------------------------------------------------------------------------------------

_READS = frozenset(
    """select show explain describe desc with values table begin commit rollback end set use pragma
    analyze fetch declare close savepoint release help status copy""".split()
)
_CHANGES = frozenset("insert create grant comment refresh rename listen notify vacuum reindex start".split())
_DESTROYS = regex(
    r"(?<!\")\b(delete|drop|truncate|update|replace|merge|kill|shutdown|reset|revoke|lock|alter)\b(?!\s*\()"
    r"|(?<!\")\b(into\s+(out|dump)file|program|do|execute|prepared|load\s+data|copy)\b"
)
_UNSEEN = regex(r"\b(call|exec|prepare|source|system|import|attach|load)\b")
_SECRET = regex(
    r"\bpg_(shadow|authid|user_mappings?)\b|\bmysql\.\"?user\b|\b(passwd|password|authentication_string)\b"
)
_ALTERS = regex(
    r"alter\s+(table|index|view|materialized\s+view|schema|database|sequence|type)\b"
    r"(?=.*\b(add|rename|set|validate|enable|attach)\b)"
    r"(?!.*\b(drop|owner|disable|modify|change|truncate|convert|engine|detach|discard|import|delete|update"
    r"|reset|exchange|tablespace|logged|unlogged|data\s+type|(column|alter)\s+[\w\"]+\s+type)\b)",
    re.S,
)
_WEAKENS = regex(
    r"\bsuperuser\b|\bbypassrls\b|\breplication\b|\bto\s+public\b|\bgrant\s+(all|pg_\w+|super)\b|\bgrant\s+option\b"
    r"|\badmin\s+option\b"
)
_EXPLAINS = regex(r"explain\b\s*(\([^)]*\)|((analyze|verbose|format\s*=\s*\w+)\s+)*)")
_LOCKS_ROWS = regex(r"\bfor\s+(no\s+key\s+)?update\b|\bon\s+(update|delete)\b")
_CONFLICT = regex(r"\bon\s+(conflict|duplicate)\b[\s\S]*")
_PRAGMA_CALLS = regex(
    r"pragma\s+(\w+\.)?(table_x?info|table_list|index_(list|x?info)|foreign_key_(list|check)|(integrity|quick)_check)"
    r"\s*\("
)
_PRAGMA_CHANGES = regex(r"[=(]|\b(wal_checkpoint|optimize|incremental_vacuum)\b")


def _statement(text: str) -> Verdict:
    """The effect of one statement, in lower case, with its texts left out."""
    text = text.strip(" \t\r\n(")
    explained = _EXPLAINS.match(text)
    if explained:
        text = text[explained.end() :].strip(" \t\r\n(")
    if not text:
        return read()
    first = re.match(r"\w*", text)[0]  # type: ignore[index]
    verdict = read(secret=bool(_SECRET.search(text)))
    if function := _strange_function(first, text):
        verdict |= unknown(f"the function {function} of SQL is not known")
    runs = not explained or "analyze" in explained[0]
    return verdict | _by_words(first, text) if runs else verdict


def _by_words(first: str, text: str) -> Verdict:
    """The effect of a statement by its words, that of functions aside."""
    if first == "alter":
        return change("SQL alter") if _ALTERS.match(text) else destructive("SQL alter")
    copies = None
    if first == "copy" and not re.search(r"\b(to|from)\s+''", text):
        copies = re.search(r"\b(to\s+stdout|from\s+stdin)\b", text)
    sought = _LOCKS_ROWS.sub("", _CONFLICT.sub("", text) if first == "insert" else text)
    harm = _DESTROYS.search(sought, 4 if copies else 0)
    if harm:
        return destructive(f"SQL {harm[0].strip()}")
    if copies:
        return change("SQL copy") if copies[0].startswith("from") else read()
    if first in ("grant", "create") and (weakens := _WEAKENS.search(text)):
        return destructive(f"SQL {weakens[0]}")
    if first == "set" and re.search(r"\b(global|persist\w*|password|sql_log_bin|default\s+role)\b", text):
        return unknown("a setting of the server")
    if first == "vacuum" and re.search(r"\binto\b", text):
        return unknown("SQL vacuum into a file")
    if first == "start" and re.match(r"start\s+transaction\b", text):
        return read()
    if first == "pragma" and not _PRAGMA_CALLS.match(text) and _PRAGMA_CHANGES.search(text):
        return change("SQL pragma")
    if first in _CHANGES or (first in ("select", "with") and re.search(r"\binto\b", text)):
        return change(f"SQL {first}")
    if first not in _READS or (first != "select" and _UNSEEN.search(text)):
        return unknown(f"SQL {first} is not known")
    return read()


# --- functions --------------------------------------------------------------------------------------------

_CALLED = regex(r"(?<![\w$@.\"])((?:[\w\"]+\s*\.\s*)*)([\w\"]+)\s*\(")
# What a parenthesis follows that is no call: `insert into t (`, `as t(`, `key k (`, a name behind `)`.
_NO_CALLS = regex(r"\b(?:as|references|key|index)\s+[\w.\"]+\s*\(|\)\s*\w+\s*\(")
_COLUMNS = {
    "create": regex(r"^create\s(?:(?!\b(?:as|select|values)\b)[^(])*\("),
    "insert": regex(r"^insert\s(?:(?!\b(?:select|values?|set|as|function)\b)[^(])*\("),
    "copy": regex(r"^copy\s+[\w.\"]+\s*\("),
    "with": regex(
        r"(?<![\w\"])[\w\"]+\s*\([\w\s,\"]*\)(?=\s*as\s*(not\s+)?(materialized\s*)?\(\s*(select|values)\b)"
    ),
}
_NO_FUNCTIONS = frozenset(
    """in and or not values value as from join using over exists any all some select where on by filter
    group union except intersect distinct when then else between like ilike returning partition lateral
    limit offset having is key unique check primary conflict set table with materialized recursive within
    array row grouping sets rollup cube end case analyze verbose explain always to escape copy btree gin
    gist hash brin div mod xor against into default separator varchar char character decimal numeric
    timestamp timestamptz time bit varbit float interval int integer bigint smallint tinyint mediumint
    varying double datetime enum nvarchar varbinary binary text fixedstring nullable lowcardinality map
    tuple datetime64 year dec real""".split()
)
_FUNCTIONS = frozenset(
    """count sum avg min max total array_agg string_agg json_agg jsonb_agg json_object_agg
    jsonb_object_agg group_concat json_group_array json_group_object json_arrayagg json_objectagg bool_and
    bool_or every bit_and bit_or stddev stddev_pop stddev_samp variance var_pop var_samp corr mode
    percentile_cont percentile_disc any_value row_number rank dense_rank lag lead first_value last_value
    nth_value ntile cume_dist percent_rank abs ceil ceiling floor round trunc pow power sqrt exp ln log
    log2 log10 sign greatest least random rand pi width_bucket conv bin oct crc32 length char_length
    character_length octet_length bit_length lower upper trim ltrim rtrim btrim substr substring
    substring_index left right position strpos instr locate replace concat concat_ws format to_char
    to_number to_hex lpad rpad repeat reverse split_part regexp_replace regexp_match regexp_matches
    regexp_substr regexp_instr regexp_like regexp_count regexp_split_to_table regexp_split_to_array
    initcap ascii chr hex unhex md5 sha1 sha2 sha224 sha256 sha512 encode decode quote quote_ident
    quote_literal quote_nullable string_to_array array_to_string string_to_table unnest array_length
    array_position array_remove array_append cardinality printf glob unicode translate starts_with overlay
    soundex elt field find_in_set to_base64 from_base64 similarity to_tsvector to_tsquery plainto_tsquery
    websearch_to_tsquery ts_rank unaccent match coalesce nullif ifnull if iif isnull nvl cast convert
    typeof pg_typeof now current_timestamp current_date current_time localtime localtimestamp date
    date_trunc date_part extract age to_timestamp to_date make_date make_time make_timestamp make_interval
    justify_days justify_interval clock_timestamp statement_timestamp transaction_timestamp date_add
    date_sub datediff date_diff timediff timestampdiff timestampadd adddate subdate addtime subtime
    date_format time_format str_to_date from_unixtime unix_timestamp unixepoch month day hour minute
    second microsecond dayname monthname dayofweek dayofmonth dayofyear week weekday weekofyear yearweek
    quarter last_day curdate curtime sysdate utc_timestamp utc_date strftime julianday sec_to_time
    time_to_sec from_days to_days convert_tz date_bin isfinite generate_series json json_extract
    json_build_object jsonb_build_object json_build_array jsonb_build_array row_to_json to_json to_jsonb
    json_each json_each_text jsonb_each jsonb_each_text json_tree json_array_elements
    json_array_elements_text jsonb_array_elements jsonb_array_elements_text json_object_keys
    jsonb_object_keys jsonb_pretty json_typeof jsonb_typeof json_type json_object json_array json_value
    json_query json_unquote json_quote json_length json_keys json_contains json_search json_valid
    json_pretty json_array_length jsonb_array_length jsonb_path_query jsonb_path_exists jsonb_set
    jsonb_strip_nulls json_set json_table pg_size_pretty pg_database_size pg_relation_size
    pg_total_relation_size pg_table_size pg_indexes_size pg_tablespace_size pg_column_size
    pg_is_in_recovery pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
    pg_current_wal_lsn pg_current_wal_insert_lsn pg_current_wal_flush_lsn pg_wal_lsn_diff pg_walfile_name
    pg_is_wal_replay_paused pg_backend_pid pg_blocking_pids pg_safe_snapshot_blocking_pids pg_get_indexdef
    pg_get_constraintdef pg_get_viewdef pg_get_functiondef pg_get_triggerdef pg_get_ruledef
    pg_get_userbyid pg_get_expr pg_get_serial_sequence pg_get_function_arguments pg_get_function_result
    pg_get_function_identity_arguments pg_get_partkeydef pg_get_keywords pg_postmaster_start_time
    pg_conf_load_time pg_encoding_to_char pg_table_is_visible pg_tablespace_location pg_relation_filepath
    pg_relation_filenode pg_stat_get_activity pg_stat_get_live_tuples pg_stat_get_dead_tuples
    pg_lock_status pg_show_all_settings pg_timezone_names pg_sleep sleep obj_description col_description
    shobj_description format_type current_setting current_schema current_schemas current_database
    current_user session_user version inet_server_addr inet_server_port inet_client_addr txid_current
    txid_current_snapshot pg_current_snapshot to_regclass to_regtype has_table_privilege
    has_database_privilege has_schema_privilege has_column_privilege has_function_privilege pg_has_role
    gen_random_uuid uuid_generate_v4 host database schema user system_user connection_id last_insert_id
    found_rows row_count uuid inet_aton inet_ntoa inet6_aton inet6_ntoa is_uuid bin_to_uuid uuid_to_bin
    format_bytes format_pico_time ps_current_thread_id changes total_changes last_insert_rowid
    sqlite_version randomblob zeroblob likely pragma_table_info pragma_table_list pragma_index_list
    pragma_index_info pragma_foreign_key_list formatreadablesize formatreadablequantity
    formatreadabletimedelta todate todatetime tostring toint32 toint64 touint8 touint16 touint32 touint64
    tofloat64 tostartofminute tostartoffiveminutes tostartoffifteenminutes tostartofhour tostartofday
    tostartofweek tostartofmonth tostartofinterval toyyyymm toyyyymmdd tohour todayofweek tounixtimestamp
    uniq uniqexact quantile quantiles quantileexact median countif sumif avgif any anylast argmin argmax
    grouparray groupuniqarray arrayjoin arraysort arraystringconcat arraymap arrayfilter arraycount
    arraysum has lowerutf8 upperutf8 splitbychar today yesterday hostname uptime bar topk multiif domain
    path extracturlparameter jsonextractstring jsonextractint""".split()
)


def _strange_function(first: str, text: str) -> str | None:
    """The first function in a statement that is not known to be harmless."""
    if first == "pragma":
        return None
    if first in _COLUMNS:
        text = _COLUMNS[first].sub(",(", text)
    for schema, name in _CALLED.findall(_NO_CALLS.sub(",(", text)):
        known = name.strip('"') in (_FUNCTIONS if '"' in name or schema else _FUNCTIONS | _NO_FUNCTIONS)
        if not known or schema.strip(". \n\t") not in ("", "pg_catalog"):
            return f"{schema}{name}"
    return None


# --- the commands of clients ------------------------------------------------------------------------------

_PSQL_ENDS = regex(r"\\(g|gx|gset|gdesc|gexec|watch|crosstabview)(\s|$)")
_PSQL_READS = regex(
    r"d\w*[+S]*|l\+?|z|sf\+?|sv\+?|conninfo|timing|x|pset|a|t|f|h|H|\?|echo|qecho|warn|encoding|q|c|connect|set"
    r"|unset|p|r|gset|gdesc|watch|crosstabview|errverbose|copyright"
)
_LONGEST_COPY = 2000
_PSQL_COPY = regex(
    r"\s*(?P<query>\(.*\)|[\w.\"]+\s*(?:\([\w\s,\"]*\))?)\s*\b(?P<way>to|from)\s+(?P<program>program\s+)?"
    r"(?:'(?P<quoted>[^'\\]*)'|(?P<plain>[\w./~-]+))(?:\s[^']*(?:'[^'\\]*'[^']*)*)?",
    re.I,
)


def _psql_command(line: str) -> Analysis:
    """What a command of psql does, up to the end of its line."""
    name = re.match(r"[^\s\\]*", line[1:])[0]  # type: ignore[index]
    rest = line[1 + len(name) :].strip()
    if name == "!":
        return Analysis(read(), (Part("runs", rest or UNSEEN),))
    if name == "copy":
        return _psql_copy(rest)
    if "`" in rest or "\\" in rest or "SINGLE" in rest:
        return Analysis(unknown(f"the command \\{name} runs or sets what is not known"))
    if name in ("g", "gx", "o", "out", "w", "write"):
        return output(rest)
    return Analysis(read() if _PSQL_READS.fullmatch(name) else unknown(f"the command \\{name} is not known"))


def output(target: str) -> Analysis:
    """The output of a query goes to a file, or to a command behind `|`."""
    if target in ("", "stdout"):
        return Analysis(read())
    if target.startswith("|"):
        return Analysis(read(), (feeds(target[1:]),))
    plain = re.fullmatch(r"'?([\w./~-]+)'?", target)
    return Analysis(read(), (Part("writes", plain[1] if plain else UNSEEN),))


def _psql_copy(text: str) -> Analysis:
    """`\\copy` reads or writes a file of this machine."""
    match = _PSQL_COPY.fullmatch(text) if len(text) < _LONGEST_COPY else None
    if not match or re.search(r"\)\s*(to|from)\b", match["query"], re.I):
        return Analysis(unknown("the \\copy is not understood"))
    inner = sql(match["query"].strip("()")) if match["query"].startswith("(") else Analysis(read())
    target = match["quoted"] or match["plain"] or ""
    standard = target.lower() in ("stdin", "stdout", "pstdin", "pstdout") and not match["quoted"]
    writes = match["way"].lower() == "to"
    verdict = inner.verdict | (read() if writes else change("SQL copy"))
    if standard:
        return Analysis(verdict, inner.parts)
    if match["program"]:
        return Analysis(verdict, (*inner.parts, feeds(target)))
    return Analysis(verdict, (*inner.parts, Part("writes", target) if writes else reads(target)))


_DOT_READS = regex(
    r"\.(tables|schema|fullschema|headers?|mode|databases|indexes|indices|dump|show|separator|width|nullvalue"
    r"|timer|bail|quit|exit|version|changes|stats|explain|eqp|echo|print|help|dbinfo|timeout)(\s[^\n]*)?"
)
_DOT_IMPORT = regex(r"\.import(\s+(--csv|--ascii|--skip\s+\d+))*\s+['\"]?([\w./~-]+)['\"]?\s+\w+")


def dot_command(line: str, in_memory: bool) -> Analysis:
    """What a command of sqlite3 does; what is imported into a database in memory changes nothing."""
    line = line.strip()
    if _DOT_READS.fullmatch(line):
        return Analysis(read())
    if match := _DOT_IMPORT.fullmatch(line):
        return Analysis(read() if in_memory else change("sqlite3 .import"), (reads(match[3]),))
    if match := re.fullmatch(r"\.(?:output|once)(\s[^\n]*)?", line):
        return output((match[1] or "").strip().strip("\"'"))
    return Analysis(unknown("a command of sqlite3 that is not known"))
