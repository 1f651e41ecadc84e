"""Whether a command erases or overwrites a disk."""

import re
from collections.abc import Callable, Sequence
from posixpath import normpath

from devops_agent.patterns import regex
from devops_agent.policy.shell_text import is_on, parse_flags

DISK = r"/dev/(?:sd[a-z]|nvme|vd[a-z]|hd[a-z]|xvd|mmcblk|r?disk|mapper/|dm-|md\d|nbd|rbd|zd\d|dasd)"
SAFE_DEVICE = r"/dev/(?:null|zero|stdout|stderr|fd/\d+)(?![\w/])"
# What may be a disk, where a program says that it works on one.
_DEVICE = regex(r"/dev/(?!(?:null|zero|full|stdin|stdout|stderr|tty|loop|ram|zram|shm|pts)|u?random).")
# Programs that erase the disk that they name, with the word that makes them do so; "" for any.
_ERASERS = {
    **dict.fromkeys("blkdiscard ddrescue mkfs mke2fs mkdosfs mkntfs mkswap newfs pvcreate".split(), ""),
    **dict.fromkeys(("shred", "truncate"), ""),
    "wipefs": r"-\w*a\w*|--a\w*",
    "sgdisk": r"-[a-zA-Z]*[Zzod].*|--(?:zap|clear|delete).*",
    "parted": r"(?s:.*\b)?(?:mklabel|mktable|rm)\b.*",
    "cryptsetup": r"(?i)luksFormat|luksErase|erase|reencrypt",
    "mdadm": r"--create|-C|--zero-superblock",
    "hdparm": r"--(?:security-erase|trim-sector).*",
    "nvme": r"format|sanitize",
    "badblocks": r"-\w*w\w*",
}
# The flags by which some of them change nothing, behind those that take a value.
_EXT = ("-b -C -d -e -E -g -G -i -I -J -l -L -m -M -N -o -O -r -t -T -U -z", "-n -V")
_DRY = {
    **dict.fromkeys("mke2fs mkfs.ext2 mkfs.ext3 mkfs.ext4".split(), _EXT),
    **dict.fromkeys(("mkntfs", "mkfs.ntfs"), ("-c -H -L -p -s -S -z", "-n --no-action -V --version")),
    "mkfs.xfs": ("-b -c -d -i -l -L -m -n -p -r -s", "-N -V"),
    "wipefs": ("-o --offset -O --output -t --types", "-n --no-act"),
}
# The flags with a value of the one whose second operand alone is written.
_DDRESCUE = "-a -b -c -E -H -i -K -m -o -Q -r -s -T -x -X"
_PARTITIONS = frozenset("fdisk sfdisk cfdisk gdisk".split())
_ONLY_SHOWS = regex(r"-[ldsVxJFhv].*|--(?:list|dump|show|verify|json|help|version).*")
_COPIERS = frozenset("dd dcfldd dc3dd".split())


def erases(name: str, args: Sequence[str], targets: Sequence[str], path: Callable[[str], str]) -> str | None:
    """Why a simple command is not to be run: it erases or overwrites a disk.

    Args:
        name: The program.
        args: Its arguments.
        targets: The files that it writes by redirections.
        path: Gives the absolute path of a word.
    """
    outputs = [
        normpath("/" + arg[3:].lstrip("/")) for arg in args if name in _COPIERS and arg.startswith("of=/")
    ]
    if any(re.match(DISK, path(target)) for target in targets) or any(
        output.startswith("/dev/") and not re.fullmatch(SAFE_DEVICE, output) for output in outputs
    ):
        return "it would overwrite a disk"
    operands = [arg for arg in args if not arg.startswith("-")]
    if name == "ddrescue":
        operands = parse_flags(args, _DDRESCUE)[1][1:2]
    on_disk = any(_DEVICE.match(path(operand)) for operand in operands)
    word = _ERASERS.get("mkfs" if name.startswith("mkfs.") else name)
    valued, dry = _DRY.get(name, ("", ""))
    asked = word is not None and (not word or any(re.fullmatch(word, arg) for arg in args))
    asked = asked and not is_on(parse_flags(args, valued)[0], dry)
    partitions = name in _PARTITIONS and not any(map(_ONLY_SHOWS.fullmatch, args))
    pool = name == "zpool" and args[:1] in (["create"], ["destroy"], ["labelclear"]) and "-f" in args
    return "it would erase a disk" if (on_disk and (asked or partitions)) or pool else None
