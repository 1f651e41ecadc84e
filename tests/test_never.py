"""The never list, asked for each call that the classifier finds: wrapped, in containers, onto disks."""

import random
import time

import pytest

from devops_agent.policy import never
from devops_agent.policy.refusals import refusal
from devops_agent.policy.verdict import read

HOME = "/home/ana"
SHOP = f"{HOME}/shop"

NEVER = r"""blkdiscard /dev/sda
sudo blkdiscard -f /dev/nvme0n1
shred -n 1 /dev/sda
sudo shred -vfz /dev/sdb
yes | sudo tee /dev/sda
tee -a /dev/sda < x
cp disk.img /dev/sdb
sudo cp /dev/zero /dev/sda
mv x /dev/sda
sudo sh -c 'cat x > /dev/sda'
cat iso | sudo dd of=/dev/sdb
dd if=x bs=4M of="/dev/sdb"
timeout 60 dd if=/dev/zero of=/dev/disk/by-id/ata-x
sgdisk -Z /dev/sda
sgdisk --zap-all /dev/sda
parted /dev/sda mklabel gpt
parted -s /dev/sda -- mklabel msdos
sudo parted -s /dev/sda 'mklabel gpt'
sfdisk /dev/sda < table
echo ',,L' | sudo sfdisk /dev/sda
fdisk /dev/sda
printf 'o\\nw\\n' | fdisk /dev/sda
cryptsetup luksFormat /dev/sdb
cryptsetup -q luksFormat --type luks2 /dev/sdb
mkswap /dev/sdb2
pvcreate /dev/sdb
pvcreate -ff -y /dev/sdb /dev/sdc
zpool create -f tank sdb
wipefs --all --force /dev/sda
mkfs -t ext4 /dev/sda1
curl -o /dev/sda http://x/y
docker run -v /:/h alpine rm -rf /h
docker run --rm -v /:/host alpine sh -c 'rm -rf /host/*'
docker run --rm -v /:/host alpine rm -rf /host/etc
docker run -v /:/h alpine rm -rf /
docker run --mount type=bind,source=/,target=/h alpine rm -rf /h/home
podman run -v /:/h:rw alpine find /h -delete
docker run -v /:/h alpine chroot /h rm -rf /
docker run -v /:/h -w /h alpine sh -c 'rm -rf *'
docker run --privileged --pid=host alpine nsenter -t 1 -m -- rm -rf /
docker run -v $HOME:/w alpine rm -rf /w
docker run -v ~/:/w alpine rm -rf /w/
docker run -v /etc:/e alpine rm -rf /e
docker run --privileged alpine dd if=/dev/zero of=/dev/sda
chroot / rm -rf /
sudo chroot /mnt rm -rf /
nsenter -t 1 -m -u -i -n -p -- rm -rf /
sudo nsenter --target 1 --mount rm -rf /*
find / -type f -delete
find / -xdev -delete
sudo find / -delete
rm -rf --no-preserve-root /
env X=1 rm -rf --no-preserve-root /
rm -rf /*
timeout 5 rm -rf /*
rm -rf ~/.
sudo rm -rf ~/.
rm -rf $HOME/..
rm -rf "$HOME/.."
env -i rm -rf $HOME
rm -rf /etc
sudo rm -rf /usr /var
rm -rf /{bin,usr,etc}
rm -rf ~/{*,.*}
sudo rm -rf /{,*}
pkexec rm -rf /
systemd-run rm -rf /
ssh root@web 'cd / && rm -rf *'
ssh root@web 'rm -rf *'
ssh root@web rm -rf /etc
ssh root@web sudo dd if=/dev/zero of=/dev/sda
X=/; rm -rf $X
D=$HOME; rm -rf "$D"
f() { rm -rf /; }; f
trap 'rm -rf /' EXIT
git -c alias.x='!rm -rf /' x
find . -name x -exec rm -rf / \\;
cd a; cd b; cd c; cd d; cd /; rm -rf *
python3 -c "import os; os.system('rm -rf /')"
flock /tmp/l rm -rf /
rm -rf /[a-z]*
rm -rf ~/[a-z]*
rm -rf ~/[A-Za-z]*
rm -rf /e*
rm -rf /???
rm -rf /home/a*
cd ~ && rm -rf [a-zA-Z]*
for d in / /etc; do rm -rf $d; done
for d in /*; do sudo rm -rf "$d"; done
for d in bin usr; do rm -rf /$d; done
for d in "$HOME"; do rm -rf "${d}"; done
if true; then for d in /tmp/x ~; do rm -rf $d; done; fi
export X=/; rm -rf $X
declare X=/; rm -rf "$X"
X=/ && Y=$X && sudo rm -rf "${Y}"
X=build; X=/; rm -rf $X
bash -c 'export X=/; rm -rf $X'
D=/etc; rm -rf "${D:?}"/*
rm -rf "${D:-/}"
rm -rf "$UNSET"/*
rm -rf $UNSET/
sudo rm -rf "${UNSET}/"*
rm -rf $X/{*,.*}
echo / | xargs rm -rf
printf '%s\n' / | xargs rm -rf
echo ~ | sudo xargs -I{} rm -rf {}
ls -d /* | xargs rm -rf
find ~ -type f -print0 | xargs -0 rm -f
find / -type f | sort | xargs -n 1 sudo rm
find ~ -type f -exec sh -c 'rm "$@"' _ {} +
rm -rf $(echo /)
rm -rf $(ls -d ~/*)
mv ~ /tmp/x
mv ~/* /tmp/x
sudo mv /etc /etc.bak
mv -t /tmp/x ~
rsync -a --delete empty/ ~/
rsync -a --delete empty/ /
rsync -av --delete-after empty/ root@web:/
python3 -c 'import shutil; shutil.rmtree("/")'
python3 -c "import shutil, os; shutil.rmtree(os.path.expanduser('~'))"
python3 -c "import shutil; from pathlib import Path; shutil.rmtree(Path.home())"
sudo python3 -c 'import shutil; shutil.rmtree("/", True)'
node -e 'fs.rmSync("/", {recursive: true})'
ruby -e 'require "fileutils"; FileUtils.rm_rf("/")'
ruby -e 'require "fileutils"; FileUtils.rm_rf "/etc"'
perl -MFile::Path=remove_tree -e 'remove_tree("/home")'
ddrescue x /dev/sda
ddrescue -f -b 2048 x.img /dev/sda map
truncate -s 0 /dev/sda
sudo truncate --size=0 /dev/nvme0n1
f(){ f & f & }; f
f() { f & f & }; f
function f { f & f & }; f
b(){ sleep 1; b & b; }; b
mkfs.vfat -n DATA /dev/sdb1
mkfs.xfs -n ftype=1 /dev/sdb
mkfs.ext4 -Lin /dev/sdb1
mkfs.ext4 -L -n /dev/sdb1
mkfs -V /dev/sdb
ssh web1 'mkfs.ext4 /dev/sdb'
ssh web1 'wipefs -a /dev/sdb'
watch 'rm -rf /'
parallel rm -rf ::: /
su - -c 'mkfs.ext4 /dev/sdb1'
echo x | xargs sh -c 'rm -rf /'
wipefs -af /dev/sda -t ext4
xargs -a list rm -rf /
X=; rm -rf $X/*
X=/tmp; X=; rm -rf $X/*
rm -rf "$X"/[a-z]*
sudo rm -rf -- "$BASE/"
X=/; X+=etc; rm -rf $X
DISK=/dev/sda; mkfs.ext4 $DISK
DISK=/dev/sda; dd if=x of=$DISK
for d in sda sdb; do wipefs -a /dev/$d; done
find ~ | parallel rm -rf
find / -exec /bin/rm {} \;
cd /dev && mkfs.ext4 sdb
mkfs.ext4 -n disk.img; mkfs.ext4 /dev/sdb
rsync -a --del empty/ ~
rm -rf '/'*
rm -rf "/"[a-z]*
rm -rf ${HOME}/[a-zA-Z]*
X="$HOME"; rm -rf "$X"/*
for u in ana; do rm -rf /home/$u; done
for d in /{usr,etc}; do rm -rf "$d"; done
readonly R=/ ; rm -rf ${R}*
rm -rf /$UNSET/*
docker run -v /:/h alpine sh -c 'for d in /h/etc /h/usr; do rm -rf $d; done'
ssh root@web 'for d in /etc /usr; do rm -rf $d; done'
ssh web 'rm -rf "$X"/*'
mv /home/ana/* /tmp/
mv ~/.* ~/* /tmp/x
cd ~ && mv * /tmp/x
rsync -a --delete -e ssh empty/ web:/
rsync --delete-before -r /tmp/e/ /home/ana
perl -e 'use File::Path; rmtree("/")'
node -e "require('fs').rmSync(require('os').homedir(), {recursive:true,force:true})"
python3 -c "import shutil; shutil.rmtree('/home/ana')"
printf '%s\0' ~ | xargs -0 rm -rf
find /home -type f -print0 | xargs -0 rm
find / -type f -print0 | tac | xargs -r -0 -P4 rm -f --
shred -u $(find ~ -type f)
ls -d ~/* | xargs rm -rf
echo /etc /usr | xargs -n1 rm -rf
bash <<< 'rm -rf /'
:(){ :|:& };:
x() { x | x & }; x
f() { while true; do f & done; }; f
function g() { g & g; }; g
mkfs -t xfs /dev/nvme1n1
mkfs.btrfs -f /dev/sdb /dev/sdc
wipefs --all --backup /dev/sda
truncate -s0 /dev/mapper/vg-root""".splitlines()

ALLOWED = r"""rm -rf ./build
docker run -v $PWD:/src alpine rm -rf /src/build
rm -rf /tmp/x
docker run --rm -v /:/host:ro alpine rm -rf /host
docker run --rm alpine rm -rf /
docker exec web rm -rf /
docker exec web rm -rf /var/cache/nginx
docker exec web sh -c 'rm -rf /var/cache/*'
kubectl exec web -- rm -rf /data
kubectl exec web -- find / -name '*.log' -delete
docker run -v /:/h alpine rm -rf /h/tmp/x
docker run -v /srv/data:/data alpine rm -rf /data
docker run -v data:/data alpine rm -rf /data/x
docker run -v /etc/nginx:/e alpine cat /e/nginx.conf
docker run -v /var/run/docker.sock:/var/run/docker.sock alpine rm -rf /root/.cache
docker build -t x . && docker run x rm -rf /app
ssh web 'rm -rf /srv/old'
ssh web rm -rf build
ssh web 'cd /srv/app && rm -rf *'
fdisk -l /dev/sda
sudo fdisk -l
sfdisk -d /dev/sda > table
sgdisk -p /dev/sda
parted /dev/sda print
parted -l
mkswap /swapfile
shred -u secret.txt
tee notes.txt
cp x /dev/null
cp x /dev/shm/x
dd if=/dev/sda of=backup.img
dd if=/dev/zero of=/swapfile bs=1M count=1024
pvcreate --help
cryptsetup luksDump /dev/sda
cryptsetup luksFormat container.img
cat /dev/sda | head -c 512 > mbr
zpool status
zpool create tank mirror sdb sdc
hdparm -I /dev/sda
nvme list
smartctl -a /dev/sda
wipefs /dev/sda
wipefs -n /dev/sda
badblocks -sv /dev/sda
find /var/log -name '*.gz' -delete
find /var/log -name '*.gz' -mtime +7 -delete
find /var -name core -delete
find /etc -name '*.bak' -delete
find /tmp -delete
rm -rf /var/lib/docker/tmp/x
rm -rf /usr/local/go
rm -rf /etc/nginx/sites-enabled/old
rm /etc/motd
rm -f /dev/shm/x
rm -rf ~/.cache
rm -rf "$HOME/.cache"/*
rm -rf "$DIR"/build
cd "$DIR" && rm -rf build
chown -R www-data /var/www
git commit -m 'rm -rf / is refused'
sudo mount /dev/sda1 /mnt
e2label /dev/sda1 data
swapon /dev/sdb2
docker run --device /dev/sda alpine fdisk -l /dev/sda
lsblk /dev/sda; blkid /dev/sda
echo $((1+1)); ls
kubectl run x --image=alpine -- rm -rf /tmp
docker compose run web rm -rf /app/tmp
chroot /mnt ls /
nsenter -t 1 -n ss -tlnp
mkfs.ext4 disk.img
mkfs.ext4 -F disk.img
mkfs.ext4 -n /dev/sdb1
mkfs.ext4 -V
mkfs.ext4 -V /dev/sdb1
mkfs.xfs -N /dev/sdb1
mke2fs -n /dev/sdb1
man mkfs.ext4
wipefs -n -a /dev/sda
wipefs -an /dev/sda
wipefs --no-act --all /dev/sda
wipefs -a disk.img
ssh web1 'grep mkfs.ext4 /var/log/syslog'
bash -c 'which mkfs.ext4 && echo ok'
ssh web1 "journalctl | grep 'rm -rf /'"
sh -c "grep -r 'rm -rf /' scripts"
rm -rf "$DIR"
rm -rf "${DIR:?}"/*
rm -rf "$DIR/$NAME"
rm -rf "$PWD"/*
rm -rf "$1"/*
rm -f "$DIR"/*
find . -name '*.pyc' -print0 | xargs -0 rm
find / -name '*.pyc' -print0 | xargs -0 rm
find ~ -name '*.orig' | xargs rm -f
find ~ -type f -print0 | xargs -0 grep TODO
find ~ -type f | grep core | xargs rm
find / -name rm
mv ~/a ~/b
mv a b ~
mv -t ~ a b
mv x.txt /etc/x.txt
mv build/* /var/www/
rsync -a --delete dist/ ~/www/
rsync -a --delete ~/ /mnt/backup/
rsync -a --delete dist/ "$DEST"/
rsync -an --delete empty/ ~/
rsync -a dist/ ~/
rsync -a --delete dist/ web:/srv/www/
truncate -s 0 app.log
ddrescue /dev/sda disk.img map
ddrescue -b 2048 /dev/sr0 cd.iso
python3 -c 'import shutil; shutil.rmtree("/tmp/x")'
python3 -c 'import shutil; shutil.rmtree("build")'
python3 -c 'import os, shutil; shutil.rmtree(os.path.join("/", "tmp", "x"))'
python3 -c 'import shutil; from pathlib import Path; shutil.rmtree(Path.home() / "x")'
python3 -c 'print("/")'
for d in build dist; do rm -rf $d; done
for d in build dist; do rm -rf "$d"/*; done
for d in /etc /var; do du -sh $d; done; for d in build dist; do rm -rf $d; done
for d in ~/*; do rm -rf "$d/node_modules"; done
for d in /etc /usr; do ls $d; done
D=$(mktemp -d); rm -rf "$D"/*
find . -type d -name x | while read -r d; do rm -rf "$d"/*; done
X=/tmp/x; rm -rf $X/*
X=/; X=build; rm -rf $X
X=/; ls $X
rm -rf ~/tmp-*
rm -rf ~/*.log
rm -rf [0-9]*
rm -rf /tmp/[a-z]*
echo build | xargs rm -rf
echo / | xargs ls
ls *.log | xargs rm
f(){ ls & ls & }; f
retry(){ "$@" || { sleep 1; retry "$@"; }; }; retry ls
server & client &
chown -R app "$DIR"/
git commit -m 'never run rm -rf /'
export PATH=$PATH:/opt/x/bin; ls
rm -rf $(ls -d build-*)
rm -rf "$(mktemp -d)"/*
X=$(pwd); X+=/etc; rm -rf $X
X=/; X+=$(foo); rm -rf $X
X="a b"; rm -rf "$X"/*
docker run alpine sh -c 'rm -rf "$X"/*'
find ~ -name x -exec grep rm {} +
find / -type f -exec grep -l rm {} +
ls | parallel gzip
rm -rf "$DESTDIR"/usr
rm -rf "$@"/
cat list | xargs rm -f
for i in 1 2 3; do echo $i; done
kubectl get pods | grep rm | xargs echo
mkfs.ext4 /dev/loop0
rsync -a --delete web:/srv/ backup/
rsync -a --delete --exclude /etc / /mnt/backup
PATH=/usr/bin:$PATH; ls
read -r X; rm -rf "$X"/*
for f in *; do mv "$f" "$f.bak"; done
mv ~/Downloads/* ~/old/
mv build dist /srv/app/
mv -v ~/x.txt .
mv "$X"/* /tmp/x
mv /etc/nginx/nginx.conf /etc/nginx/nginx.conf.bak
rsync -avz --delete ./ deploy@web:/var/www/site/
rsync -a --delete /etc/ /backup/etc/
X=/etc/nginx; rm -rf $X/sites-enabled/old
export DIR=/tmp/build; rm -rf "$DIR"/*
for f in ~/.cache/*; do rm -rf "$f"; done
for d in */; do (cd "$d" && git pull); done
for d in */; do rm -rf "$d/node_modules"; done
for p in $(docker ps -q); do docker rm -f $p; done
ls | xargs rm -f
find . -type f -print0 | xargs -0 rm -f
find /tmp -type f | xargs rm
find ~ -name node_modules -type d -prune -exec rm -rf {} +
find ~ -name node_modules -type d -prune | xargs rm -rf
find ~/projects -type f | xargs rm
python3 -c 'import shutil; shutil.rmtree("/var/tmp/x", ignore_errors=True)'
python3 -c "print('rmtree(\"/tmp/x\")')"
rm -rf node_modules dist
rm -rf ./*
rm -rf ~/project/[a-z]*
rm -rf ~/b[a-z]*
rm -rf /var/lib/[x]yz
test -n "$D" && rm -rf "${D:?}/"
lsblk -o NAME | grep sd | xargs -I{} echo /dev/{}
truncate -s 10M disk.img && mkfs.ext4 -F disk.img
wait(){ sleep 1 & }; ls
start() { ./server & }; start
log() { echo "$1" >> log; }; log x & log y
cat notes | ssh web 'cat > notes'
echo 'mkfs.ext4 /dev/sda' >> notes.md
grep -rn 'mkfs.ext4 /dev/sda' docs | xargs echo
chown -R ana "$D"/
rm -rf "${X}"
rm -rf "$X"/.cache
rm -rf $GOPATH/pkg
tar czf - . | ssh web 'tar xzf - -C /srv'
docker ps -aq | xargs docker rm -f
kubectl get pods -o name | xargs kubectl delete
for i in $(seq 3); do curl -s http://x; done
while read -r f; do rm "$f"; done < list""".splitlines()


NEVER_FED = [
    "cat <<EOF | bash\nrm -rf /\nEOF",
    "ssh web <<EOF\nrm -rf /\nEOF",
    "python3 - <<'EOF'\nimport shutil\nshutil.rmtree('/')\nEOF",
]
ALLOWED_FED = [
    "cat > notes.md <<EOF\nmkfs.ext4 /dev/sda\nrm -rf /\nEOF",
    "python3 - <<'EOF'\nimport shutil\nshutil.rmtree('/tmp/x')\nEOF",
]


@pytest.mark.parametrize("command", [*NEVER, *NEVER_FED])
def test_what_destroys_the_system_is_never_run(command: str) -> None:
    assert getattr(refusal(command, HOME, SHOP), "never", False)


@pytest.mark.parametrize("directory", [SHOP, "/srv/app", ""])
@pytest.mark.parametrize("command", [*ALLOWED, *ALLOWED_FED])
def test_its_neighbours_are_not_on_the_list(command: str, directory: str) -> None:
    assert not getattr(refusal(command, HOME, directory), "never", False)


def test_a_folder_of_the_home_directory_may_be_emptied_in_a_container() -> None:
    command = "docker run -v $PWD:/w alpine rm -rf /w"
    assert refusal(command, HOME, SHOP) is None
    assert getattr(refusal(command, HOME, HOME), "never", False)


@pytest.mark.parametrize(
    "text",
    [
        "echo " + "{a,b}" * 2000,
        "docker run -v /:/h x " * 500,
        "pkexec " + "rm -r " * 2000,
        "tee " * 2000 + "'",
    ],
)
def test_long_texts_do_not_hang(text: str) -> None:
    started = time.process_time()
    refusal(text, HOME, SHOP)
    assert time.process_time() - started < 3


def test_a_variable_that_may_be_empty_is_refused_with_the_form_that_works() -> None:
    assert "write ${BUILD:?}" in str(refusal('rm -rf "$BUILD"/*', HOME, SHOP))
    assert refusal('rm -rf "${BUILD:?}"/*', HOME, SHOP) is None


def nonsense(characters: str) -> str:
    return "".join(random.Random(0).choices(characters, k=50_000))


@pytest.mark.parametrize(
    "text",
    [
        nonsense(" \t\n$(){}[]'\"`|&;<>*?~/=ab"),
        nonsense(" $/*?[]{},~=ab;&|"),
        "rm -rf " + "/*" * 24_000 + "x",
        "rm -rf /*" + "[.]" * 16_000 + "x",
        "rm -rf " + " ".join(f"/a{n}*" for n in range(6000)),
        "rm -rf " + "{a,b}" * 9900,
        "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b} " * 1400,
        "X=" + "a" * 900 + "; rm -rf $X" * 4400,
        "V0=aaaaaaaaaa; " + "".join(f"V{n}=$V{n - 1}$V{n - 1}; " for n in range(1, 2000)) + "rm -rf $V1999",
        "for a in " * 5500,
        "${a:-" * 10_000,
        "f" + " " * 49_000 + "(",
        "a(){" * 12_000,
        "ls | xargs " * 4500,
        "rm -rf $(ls / )" * 3300,
        "find / " + "-exec rm " * 5500,
        "rm -r " * 8300 + "'",
        "find / " * 7000 + "'",
    ],
)
def test_what_it_adds_to_the_classifier_stays_short(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(never, "classify", lambda *_: read())
    started = time.process_time()
    never.destroys(text, HOME, SHOP)
    assert time.process_time() - started < 4


@pytest.mark.parametrize("command", ["rm -rf $X", "rm -rf build"])
def test_values_that_double_stay_short(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    monkeypatch.setattr(never, "classify", lambda text, *_: texts.append(text))
    doubled = "".join(f"V{n}=$V{n - 1}$V{n - 1}; " for n in range(1, 23))
    never.destroys(f"V0=aaaaaaaaaa; {doubled}X=$V22; {command}", HOME, SHOP)
    assert max(map(len, texts)) < 100_000
