"""What a program of Python may name and still only read: of modules, of values, and of what is built in."""

MODULES = {
    name: frozenset(words.split())
    for name, words in {
        "__future__": "annotations print_function division unicode_literals",
        "ast": "literal_eval",
        "base64": """b64encode b64decode urlsafe_b64encode urlsafe_b64decode standard_b64encode
            standard_b64decode b32encode b32decode b16encode b16decode b85encode b85decode encodebytes
            decodebytes""",
        "binascii": "hexlify unhexlify crc32 b2a_base64 a2b_base64 b2a_hex a2b_hex Error",
        "bisect": "bisect bisect_left bisect_right insort",
        "bz2": "open compress decompress",
        "calendar": "month monthrange calendar isleap timegm day_name month_name monthcalendar weekday",
        "collections": "Counter defaultdict OrderedDict deque namedtuple ChainMap",
        "collections.abc": "Iterable Iterator Mapping Sequence Callable",
        "configparser": "ConfigParser RawConfigParser",
        "contextlib": "suppress",
        "copy": "copy deepcopy",
        "csv": """reader writer DictReader DictWriter Sniffer QUOTE_ALL QUOTE_MINIMAL QUOTE_NONE
            QUOTE_NONNUMERIC field_size_limit""",
        "dataclasses": "dataclass field asdict astuple",
        "datetime": "datetime date time timedelta timezone UTC MINYEAR MAXYEAR",
        "decimal": "Decimal getcontext InvalidOperation ROUND_HALF_UP ROUND_HALF_EVEN ROUND_DOWN ROUND_UP",
        "difflib": "unified_diff ndiff context_diff SequenceMatcher get_close_matches",
        "enum": "Enum IntEnum auto",
        "fnmatch": "fnmatch fnmatchcase filter",
        "fractions": "Fraction",
        "functools": "reduce partial lru_cache cache cmp_to_key total_ordering",
        "getpass": "getuser",
        "glob": "glob iglob escape",
        "grp": "getgrnam getgrgid getgrall",
        "gzip": "open compress decompress",
        "hashlib": """md5 sha1 sha224 sha256 sha384 sha512 sha3_256 sha3_512 blake2b blake2s new
            pbkdf2_hmac file_digest algorithms_available algorithms_guaranteed""",
        "heapq": "heappush heappop heapify nlargest nsmallest merge",
        "hmac": "new compare_digest digest",
        "html": "escape unescape",
        "http": "HTTPStatus",
        "importlib.metadata": "version PackageNotFoundError",
        "io": "StringIO BytesIO TextIOWrapper open",
        "ipaddress": """ip_address ip_network ip_interface IPv4Address IPv4Network IPv6Address
            IPv6Network summarize_address_range collapse_addresses""",
        "itertools": """chain count cycle repeat accumulate islice groupby product permutations
            combinations combinations_with_replacement zip_longest starmap takewhile dropwhile filterfalse
            compress tee pairwise batched""",
        "json": "dumps loads load dump JSONDecodeError",
        "locale": "getlocale getpreferredencoding getdefaultlocale setlocale LC_ALL",
        "lzma": "open compress decompress",
        "math": """ceil floor sqrt isqrt cbrt pi e tau inf nan log log2 log10 log1p exp pow sin cos
            tan asin acos atan atan2 sinh cosh tanh degrees radians hypot dist gcd lcm factorial comb perm
            prod fsum isnan isinf isclose isfinite trunc fabs fmod copysign""",
        "mimetypes": "guess_type",
        "operator": """itemgetter add sub mul truediv floordiv mod neg eq ne lt le gt ge and_ or_ xor
            not_ contains getitem concat""",
        "os": """environ getenv getcwd listdir walk scandir stat lstat statvfs cpu_count uname getpid
            getppid getuid geteuid getgid getegid getgroups getlogin sep pathsep linesep curdir devnull
            name getloadavg sysconf sysconf_names access R_OK W_OK X_OK F_OK readlink urandom fspath
            get_terminal_size sched_getaffinity times""",
        "os.path": """exists isfile isdir islink ismount isabs lexists join basename dirname abspath
            realpath getsize getmtime getctime getatime expanduser expandvars splitext split normpath
            normcase relpath commonpath commonprefix samefile sep""",
        "platform": """system release version machine processor node platform uname architecture
            mac_ver libc_ver win32_ver python_version python_version_tuple python_implementation
            python_compiler python_build freedesktop_os_release""",
        "pathlib": "Path PurePath PosixPath PurePosixPath",
        "pprint": "pprint pformat pp",
        "pwd": "getpwnam getpwuid getpwall",
        "random": """random randint randrange choice choices sample shuffle uniform seed gauss
            getrandbits Random SystemRandom""",
        "re": """compile search match fullmatch findall finditer split sub subn escape error Pattern
            Match IGNORECASE I MULTILINE M DOTALL S VERBOSE X ASCII A UNICODE U""",
        "resource": "getrlimit getrusage RLIMIT_NOFILE RLIMIT_NPROC RUSAGE_SELF",
        "secrets": "token_hex token_urlsafe token_bytes choice randbelow",
        "shutil": "disk_usage which get_terminal_size",
        "site": "getsitepackages getusersitepackages",
        "socket": "gethostname",
        "sqlite3": "sqlite_version",
        "ssl": "OPENSSL_VERSION get_default_verify_paths",
        "stat": "filemode S_ISDIR S_ISREG S_ISLNK S_IMODE",
        "statistics": """mean median mode stdev pstdev variance pvariance fmean quantiles
            harmonic_mean multimode median_low median_high""",
        "string": """ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits
            punctuation printable whitespace capwords""",
        "struct": "pack unpack calcsize unpack_from iter_unpack",
        "sys": """argv stdin stdout stderr version version_info platform path executable prefix
            base_prefix exit maxsize maxunicode byteorder getsizeof getdefaultencoding
            getfilesystemencoding getrecursionlimit setrecursionlimit implementation flags hexversion
            float_info int_info builtin_module_names stdlib_module_names""",
        "sysconfig": "get_path get_paths get_config_var get_config_vars get_platform get_python_version",
        "textwrap": "dedent indent fill wrap shorten",
        "time": """time time_ns sleep strftime strptime gmtime localtime ctime asctime mktime
            monotonic perf_counter process_time timezone tzname altzone daylight""",
        "tomllib": "load loads",
        "typing": "Any Callable Dict Iterable Iterator List NamedTuple Optional Set Tuple TypedDict Union",
        "unicodedata": "name normalize category lookup",
        "urllib.parse": """quote quote_plus unquote unquote_plus urlencode urlparse urlsplit
            urlunparse urlunsplit urljoin parse_qs parse_qsl""",
        "uuid": "uuid1 uuid3 uuid4 uuid5 UUID NAMESPACE_DNS NAMESPACE_URL NAMESPACE_OID getnode",
        "yaml": "safe_load safe_load_all safe_dump safe_dump_all dump dump_all YAMLError",
        "zlib": "compress decompress decompressobj crc32 adler32 MAX_WBITS",
        "zoneinfo": "ZoneInfo available_timezones",
    }.items()
}

# The attributes of values: texts, numbers, dates, collections, files, matches, addresses, results of `os`.
MEMBERS = frozenset(
    """add adjusted append appendleft args as_integer_ratio as_tuple astimezone bit_count bit_length
    broadcast_address buffer capitalize casefold center clear close closed columns combine compressed copy
    count ctime date day days decode denominator difference difference_update digest digest_size discard
    dst elements encode encoding end endpos endswith errno exp expand expandtabs exploded extend
    extendleft f_bavail f_bfree f_blocks f_bsize f_favail f_ffree f_files f_frsize fieldnames fileno
    filename find findall finditer flags flush fold format format_map fragment free fromhex fromisoformat
    fromkeys fromordinal fromtimestamp fullmatch get get_opcodes getboolean getfloat getint getvalue
    geturl gr_gid gr_mem gr_name group groupdict groups has_option has_section hex hexdigest hostmask
    hostname hosts hour imag index inode insert int intersection intersection_update is_dir is_file
    is_finite is_global is_integer is_link_local is_loopback is_multicast is_nan is_private is_reserved
    is_symlink isalnum isalpha isascii isatty isdecimal isdigit isdisjoint isidentifier islower isnumeric
    isocalendar isoformat isoweekday isprintable isspace issubset issuperset istitle isupper items join
    keys lastgroup limit_denominator lines line_num ljust ln log10 lower lstrip machine major maketrans
    match max maxlen micro microsecond microseconds min minor minute month most_common move_to_end msg
    name netloc netmask network_address node nodename normalize now num_addresses numerator options
    overlaps params partition path pattern pop popitem popleft port prec prefixlen pw_dir pw_gecos pw_gid
    pw_name pw_shell pw_uid quantize query ratio read read_string readable reader readline readlines real
    reconfigure release remove removeprefix removesuffix replace resolution reverse reverse_pointer rfind
    rindex rjust rotate rpartition rsplit rstrip scheme search second seconds sections seek setdefault
    sort span split splitlines sqrt st_atime st_blocks st_ctime st_dev st_gid st_ino st_mode st_mtime
    st_mtime_ns st_nlink st_size st_uid start startswith stat strerror strftime string strip strptime sub
    subn subnet_of subnets supernet supernet_of swapcase symmetric_difference sysname tell time timestamp
    timetuple title tm_hour tm_isdst tm_mday tm_min tm_mon tm_sec tm_wday tm_yday tm_year to_bytes
    from_bytes today toordinal total total_seconds translate tzinfo tzname union update upper used
    username utc utcfromtimestamp utcnow utcoffset utctimetuple value values version weekday with_netmask
    with_prefixlen writable write writeheader writelines writerow writerows year zfill""".split()
)

# The attributes of paths that only look.
PATH_MEMBERS = frozenset(
    """absolute anchor as_posix as_uri cwd drive exists expanduser full_match glob group home is_absolute
    is_mount is_relative_to iterdir joinpath lstat name owner parent parents parts read_bytes read_text
    readlink relative_to resolve rglob root samefile stem suffix suffixes walk with_name with_stem
    with_suffix""".split()
)

BUILTINS = frozenset(
    """print len range str int float bool list dict set tuple frozenset sorted reversed enumerate zip map
    filter any all sum min max abs round divmod pow ord chr hex oct bin repr ascii format hash id type
    isinstance issubclass callable iter next slice bytes bytearray complex object super property
    staticmethod classmethod hasattr dir exit quit NotImplemented Ellipsis __name__ __file__ __doc__
    ArithmeticError AssertionError AttributeError BaseException ConnectionError EOFError Exception
    FileExistsError FileNotFoundError ImportError IndexError IOError IsADirectoryError KeyError
    KeyboardInterrupt LookupError ModuleNotFoundError NameError NotADirectoryError NotImplementedError
    OSError OverflowError PermissionError RecursionError RuntimeError StopIteration SystemExit
    TimeoutError TypeError UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError
    ZeroDivisionError""".split()
)

# Names that stay dangerous where a program gives them another meaning as well.
DENIED = frozenset(
    "exec eval compile getattr setattr delattr globals locals vars breakpoint help memoryview open".split()
)
