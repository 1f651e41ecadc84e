"""The never list, asked for each call that the classifier finds: wrapped, in containers, onto disks."""

import time

import pytest

from devops_agent.policy.refusals import refusal

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
flock /tmp/l rm -rf /""".splitlines()

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
nsenter -t 1 -n ss -tlnp""".splitlines()


@pytest.mark.parametrize("command", [*NEVER, "cat <<EOF | bash\nrm -rf /\nEOF"])
def test_what_destroys_the_system_is_never_run(command: str) -> None:
    assert getattr(refusal(command, HOME, SHOP), "never", False)


@pytest.mark.parametrize("directory", [SHOP, "/srv/app", ""])
@pytest.mark.parametrize("command", ALLOWED)
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
