"""What the text of a shell command says: reads, refusals, the never list, exit codes and placeholders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_agent.policy.effects import answers_with_exit_code, is_read, waits_for_others
from devops_agent.policy.outcome import Step, hidden_failure, hides_failure
from devops_agent.policy.placeholders import placeholder
from devops_agent.policy.refusals import refusal
from devops_agent.policy.shell_text import Segment, segments

HOME = "/home/ana"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("a | b |& c; d & e && f || g\nh", ["a", "b", "c", "d", "e", "f", "g", "h"]),
        ("(a; b) | c", ["a", "b", "c"]),
        ("A=1 B=2 sudo -u root env C=3 nice -n 5 nohup time ls -l", ["ls -l"]),
        ("timeout -k 5 10 stdbuf -oL ionice -c 3 setsid ls", ["ls"]),
        ("env", ["env"]),
        ("command -v docker", ["command -v docker"]),
        ("bash -c 'a x; b' && c", ["bash -c a x; b", "a x", "b", "c"]),
        ("bash -euo pipefail -c 'a'", ["bash -euo pipefail -c a", "a"]),
        ('a "$(b | c)" `d`', ["b", "c", "d", "a $(b | c) `d`"]),
        ("echo '$(b)'", ["echo $(b)"]),
        ('grep "|" f; find . -name x \\; y', ["grep | f", "find . -name x ; y"]),
        ("a \\\n  b # ; c\nd", ["a b", "d"]),
        ("cat > f <<EOF\nrm x; y\nEOF\nls", ["cat", "ls"]),
        ("cat <<-'E F' | b\nit's\n\tE F\nc", ["cat", "b", "c"]),
        ("echo '<<X'\nls", ["echo <<X", "ls"]),
        ("while true; do ls; done", ["true", "ls", "done"]),
        ("diff <(a 1) <(b)", ["a 1", "b", "diff <(a 1) <(b)"]),
        ("a=$(b c) d", ["b c", "d"]),
        ("echo a#b $#", ["echo a#b $#"]),
        ("", []),
    ],
)
def test_segments_are_the_simple_commands(command: str, words: list[str]) -> None:
    assert [" ".join(segment.words) for segment in segments(command)] == words


@pytest.mark.parametrize(
    "command", ["echo 'it", 'a "b', "a $(b", "a <", "kubectl logs <pod>", "eval " * 50 + "a"]
)
def test_text_that_does_not_parse_is_one_unparsed_segment(command: str) -> None:
    assert segments(command) == [Segment(parsed=False)]


def test_a_segment_knows_its_operator_its_files_and_its_time_limit() -> None:
    first, second, third = segments("timeout 5 a 2>&1 >/dev/null | b >>out 2>err; X=1 c &>all <in")
    assert (first.operator, first.timed, first.targets, first.fed) == ("", True, (), False)
    assert (second.operator, second.timed, second.targets, second.fed) == ("|", False, ("out", "err"), True)
    assert (third.operator, third.assigned, third.targets, third.fed) == (";", ("X",), ("all",), True)
    assert segments("cat > f <<EOF\nx\nEOF")[0].targets == ("f",)
    assert not segments("timeout 0 tail -f x")[0].timed


READS = """ls -la /tmp
cd /srv/app && ls
cd
cat /etc/hosts | grep -v '^#' | sort -u | uniq -c | head -n 5
kubectl get pods -A -o wide
kubectl -n shop --context prod get deploy web -o yaml
kubectl get pods -o jsonpath='{.items[*].metadata.name}'
kubectl describe pod web; kubectl logs web --tail=20 2>&1
kubectl rollout status deploy/web
kubectl rollout -n shop history deploy/web
kubectl auth can-i create pods
kubectl config view
kubectl config current-context
kubectl top nodes
docker ps -a --format '{{.Names}}'
docker --context x images
docker inspect web
docker image ls
docker container logs web
docker compose -f a.yml ps
docker-compose logs web
docker system df
podman ps
helm -n x list
helm template chart
git status
git --no-pager log --oneline -5
git branch -a
git remote -v
git config --get user.name
git tag -l
systemctl status nginx
systemctl --type service list-units
journalctl -u nginx -n 50
crontab -l
df -h 2>/dev/null
free -m && uptime
sudo ss -tlnp
env
hostname
date +%s
date -d yesterday +%F
ip a
ip -br addr
ip route show default
find . -name '*.py' -size +1M
awk '{print $1}' f
awk -F: '{print $1}' /etc/passwd
sed -n '5,10p' f
sed -ne 's/a b/c d/p' f 'g h'
sed 's/a/b/g' f
sed -n '/error/p' f
echo "a > b; rm x"
test -f x
[ -f x ]
command -v docker
terraform --version
systemctl
bash -c "ls | wc -l"
LANG=C ls
timeout 5 ps aux
/usr/bin/df -h
ps aux | grep [n]ginx""".splitlines()

CHANGES = """rm x
ls > out
ls >> out
ls $(rm x)
ls `rm x`
diff <(rm a) b
echo 'it
ls; rm x
cat a | tee b
sort -o f f
sort -uof f
sort --outp=f f
uniq a b
date -s 10:00
date --set=10:00
date 010203
hostname new
env -S 'rm x'
find . -delete
find . -exec rm {} +
find . -okdir rm {} +
find . -fprintf f x
find . -{delete,print}
awk '{system("rm x")}' f
awk '{print > "f"}' f
awk '{print | "sh"}' f
awk -f prog f
sed -i s/a/b/ f
sed -n 's/a/b/w out' f
sed -n 's/a/b/ w out' f
sed -n -e 5p -e 'w out' f
sed 's/a/b/e' f
sed -n 5p f -i
sed '1e rm x' f
journalctl --vacuum-time=1d
journalctl --rot
dmesg -C
systemctl restart nginx
myprog --help
crontab -r
crontab f
kubectl delete pod web
kubectl -n get delete pod web
kubectl config set-context x
kubectl rollout restart deploy/web
kubectl exec p -- touch a
kubectl cluster-info dump --output-directory=d
docker rm web
docker image rm x
docker compose up -d
docker volume prune
helm uninstall x
helm template c --output-dir d
git branch new
git branch -D old
git tag v1
git remote add o u
git -c core.pager=x log
git diff --output=f
git config user.name x
ip addr add 1.1.1.1 dev eth0
ip link set eth0 down
ip -batch f
ss -K dst 1.1.1.1
rg --pre sh x
LD_PRELOAD=x ls
X=-delete; find . $X
./ls
./x --help
cd x && rm y
cd x > f
bash x -c ls
xargs rm
python3 -c 'open("x", "w")'""".splitlines()


@pytest.mark.parametrize("command", READS)
def test_reads(command: str) -> None:
    assert is_read(command)


@pytest.mark.parametrize("command", [*CHANGES, "", "ls\nrm x", "cat <<EOF\n$(rm x)\nEOF"])
def test_not_reads(command: str) -> None:
    assert not is_read(command)


@pytest.mark.parametrize(
    ("command", "waits"),
    [
        ("sleep 5", True),
        ("sleep 5; kubectl get pods", True),
        ("kubectl -n shop wait --for=condition=Ready pod/web", True),
        ("timeout 60 kubectl rollout status deploy/web -n shop", True),
        ("kubectl rollout history deploy/web", False),
        ("kubectl get pods", False),
        ("echo 'sleep 5", False),
        ("", False),
    ],
)
def test_commands_that_wait_for_others(command: str, waits: bool) -> None:
    assert waits_for_others(command) is waits


@pytest.mark.parametrize(
    ("command", "code", "answers"),
    [
        ("grep x f", 1, True),
        ("kubectl get pods | grep web", 1, True),
        ("sudo /usr/bin/egrep x f", 1, True),
        ("pgrep nginx", 1, True),
        ("diff a b", 1, True),
        ("test -f x", 1, True),
        ("[ -f x ]", 1, True),
        ("which docker", 1, True),
        ("command -v docker", 1, True),
        ("git diff --quiet", 1, True),
        ("git -C d diff --exit-code", 1, True),
        ("systemctl is-active nginx", 3, True),
        ("systemctl is-enabled nginx", 4, True),
        ("kubectl diff -f f.yaml", 1, True),
        ("kubectl -n x auth can-i get pods", 1, True),
        ("grep -q x f && echo yes", 1, True),
        ("bash -c 'grep x f'", 1, True),
        ("grep x f", 2, False),
        ("grep x f", 0, False),
        ("diff a b", 2, False),
        ("grep x f | wc -l", 1, False),
        ("git diff", 1, False),
        ("systemctl is-active nginx", 5, False),
        ("systemctl status nginx", 3, False),
        ("kubectl get pods", 1, False),
        ("command docker ps", 1, False),
        ("grep 'x", 1, False),
        ("", 1, False),
    ],
)
def test_exit_codes_that_are_answers(command: str, code: int, answers: bool) -> None:
    assert answers_with_exit_code(command, code) is answers


REFUSED = """kubectl edit deploy web
kubectl -n x edit deploy web
kubectl exec -it web -- bash
kubectl exec -ti web -- ls
kubectl exec web -i -t -- ls
kubectl exec --stdin --tty web -- ls
kubectl run -it --rm t --image=busybox -- sh
kubectl debug -it node/n --image=busybox
kubectl attach web
kubectl port-forward svc/web 8080:80
kubectl port-forward svc/web 8080:80 &
kubectl proxy
kubectl get pods -w
kubectl get pods --watch=true
kubectl get pods --watch-only
kubectl logs -f web
kubectl logs web --follow
kubectl logs --follow=true web
docker exec -it web bash
docker exec -t web ls
docker exec -u root -ti web ls
docker container exec -it web sh
podman exec -it web sh
docker run -it ubuntu bash
docker run --rm -t -v /a:/b ubuntu ls
docker attach web
docker logs -f web
docker logs web --follow
docker stats
docker events
docker compose up
docker compose -f a.yml up
docker-compose up
docker compose logs -f
docker compose exec web ls
docker container prune
docker system prune -a --volumes
docker image prune -a
docker volume prune
docker network prune
docker builder prune
docker buildx prune
docker system prune --force=false
podman system prune
top
top -b
htop
btop
k9s
lazydocker
watch -n 1 kubectl get pods
less /var/log/syslog
man ls
vi f
sudo vim /etc/hosts
cat f | vim -
nano f
emacs f
tmux
tmux new -s x
tail -f /var/log/syslog
tail -20f f
tail -F f | grep x
tail --follow=name f
journalctl -fu nginx
dmesg -w
ping example.com
ssh host
ssh -p 22 user@host
nc -lk 80
tcpdump -i eth0
vmstat 1
iostat -x 2
terraform apply
terraform -chdir=d destroy
apt install nginx
sudo apt-get upgrade
yum install x
dnf remove x
git commit
git commit -a
git -C d commit --amend
git rebase -i HEAD~2
git add -p
crontab -e
docker exec web tail -f x
docker exec -i web tail -f x
docker compose exec -T web tail -F x
kubectl exec p -- tail -f x
kubectl exec p -c c -- sh -c 'tail -f x'
docker exec web top
bash -c "tail -f x"
ls && docker logs -f web
timeout 0 tail -f x""".splitlines()

ALLOWED = """docker run -d nginx tail -f /dev/null
docker run -d --name t -e T=-it nginx
docker run -e T=-it -d nginx
docker run -itd ubuntu
docker run --rm --name x -v a:b -w /c -u 0 --entrypoint ls ubuntu -it
docker run nginx
docker exec web tail -n 5 f
docker exec web ls -it
docker exec -e A=b -w /x web ls -t
docker exec -d web top
docker exec -d web tail -f x
docker exec web timeout 5 tail -f x
timeout 5 kubectl exec p -- tail -f x
kubectl exec p -- top -b | head
docker exec web less --version
find ~ -name '*.pyc' -delete
find "$HOME" -type f -name x -delete
find ~ -path '*/cache/*' -delete
find ~ -size +1G -delete
find ~ \\( -name a -o -iname b \\) -delete
find ~/x -delete
cd && find . -name x -delete
ssh host "find ~ -name '*.pyc' -delete"
bash -c "find ~ -name '*.pyc' -delete"
docker build -f F -t x .
docker compose -f f.yml up -d
docker compose up --detach
docker compose -f f.yml logs
docker compose exec -T web ls
docker logs web
docker logs --tail 5 web
docker stats --no-stream
docker events --since 1h --until 0s
docker rm -f web
docker system prune -af
docker system prune -a -f
docker container prune --force
docker builder prune -f
docker volume prune --help
yes | docker image prune
docker buildx build -f F -t x .
docker ps --filter name=it
kubectl exec p -- tail -n 5 f
kubectl exec p -- ls -it
kubectl exec p -c web -- ls
cat f.sql | kubectl exec -i p -- psql
docker exec -i db psql < f.sql
kubectl get pods -o wide
kubectl get pods -owide
kubectl get pods --watch=false
kubectl logs web --tail=20
kubectl logs --follow=false web
kubectl apply -f f.yaml
kubectl delete -f f.yaml
kubectl rollout status deploy/web
kubectl top pods
KUBE_EDITOR='sed -i s/a/b/' kubectl edit deploy web
timeout 10 kubectl port-forward svc/web 8080:80 & sleep 1; curl localhost:8080
timeout 5 tail -f x
sudo timeout 5 sh -c 'tail -f x'
top -b -n 1
top -bn1
top -b | head -n 20
top -l 1
grep -i x f
ls -lt
echo "vim"
echo 'kubectl edit' > notes
ls | less
man ls | cat
vim --version
watch --help
tail -n 20 f
journalctl -u nginx -n 50
ping -c 4 host
ping -c4 host
ssh host uptime
ssh -i key -p 22 user@host 'tail -n 5 f'
ssh host < script
tcpdump -c 5 -i eth0
vmstat 1 3
iostat
terraform apply -auto-approve
terraform apply plan.out
terraform plan
helm install web ./chart
apt-get install -y nginx
apt-get -y install nginx
apt list --installed
yum -y install x
git commit -m x
git commit -am x
git commit --amend --no-edit
git rebase main
git add -A
git log -p
git stash show -p
crontab -l
crontab f
mysql -e 'select 1'
python3 -c 'print(1)'
tmux new-session -d -s x
mc ls minio
echo a:b | sudo chpasswd
rm -rf ./build
rm -rf /tmp/x /var/tmp/*
rm -r ~/project
rm -rf "$HOME/project"
rm /
cd /app && rm -rf *
cd /tmp; rm -rf ./*
rm -f /tmp/-r
echo "rm -rf /"
grep 'rm -rf /' f
find /tmp -name x -delete
find . -delete
find / -name core
find / -name x -exec rm {} +
dd if=/dev/zero of=/tmp/f count=1
dd if=/dev/sda of=/dev/null count=1
dd if=f of=/dev/stdout
mkfs.ext4 --help
echo x > /dev/null
echo x > /dev/shm/y
chmod -R 755 /srv
chmod 755 /
chown -R ana ~
f(){ ls | wc & }; f
cat > f <<EOF
ssh host 'rm -rf /var/x'""".splitlines()

NEVER = """rm -rf /
rm -fr /
rm -r -f /
rm -R /
rm --recursive --force /
rm --rec /
rm / -rf
rm -rfv //
rm -rf /.
rm -rf /*
rm -rf /.*
rm -rf -- /
rm -rf --no-preserve-root /
rm -rf /tmp/x /
rm -rf /tmp/..
rm -rf ~
rm -rf ~/
rm -rf ~/*
rm -rf ~/.
rm -rf $HOME
rm -rf "$HOME"
rm -rf ${HOME}/
rm -rf "$HOME"/*
rm -rf "${HOME:?}"/*
rm -rf /home/ana
rm -rf /home/ana/
rm -rf /home/ana/*
rm -rf /home
sudo rm -rf /
timeout 5 rm -rf /
sudo -u root env A=b nice /bin/rm -rf /
\\rm -rf /
"rm" -r'f' "/"
sh -c "rm -rf /"
sudo bash -lc 'ls; rm -rf ~'
eval "rm -rf /"
su -c 'rm -rf /' root
busybox rm -rf /
echo $(rm -rf /)
echo "`rm -rf /`"
rm -rf $(ls) /
ls && rm -rf / || true
if true; then rm -rf /; fi
for i in 1; do rm -rf /; done
cd / && rm -rf *
cd; rm -rf *
cd ~ && rm -rf .
cd /tmp/.. ; rm -rf ./*
cd /home && rm -rf ana
find / -delete
find / -mindepth 1 -delete
find ~ -type f -delete
find ~ -delete
find -L $HOME -delete
find ~ -delete -name x
find ~ ! -name x -delete
find ~ -not -name x -delete
find ~ ! \\( -name x \\) -delete
find ~ -type f -o -name x -delete
find ~ -name x , -delete
find ~ -name x -o -delete
find ~ -name '*' -delete
find ~ -path "$HOME/*" -delete
find /home -name x -delete
find / -name x -delete
find ~ / -name x -delete
find / -name '*' -exec rm {} +
ssh host 'find ~ -delete'
ssh host 'find ~ ! -name x -delete'
ssh host "find ~ -name '*' -delete"
ssh host 'find / -name x -delete'
ssh host 'find ~ / -name x -delete'
ssh host 'find ~ -path "$HOME/*" -delete'
ssh host 'find ~ -delete -name x'
ssh host 'find ~ -name x -o -delete'
find / -type f -exec rm -f {} +
cd / && find . -delete
mkfs /dev/sdb
mkfs.ext4 -F /dev/sdb1
sudo mkfs.xfs /dev/vdb
wipefs -a /dev/sda
wipefs -af /dev/sda
wipefs --all /dev/sda
dd if=/dev/zero of=/dev/sda bs=1M
dd of=/dev/nvme0n1 if=x
dd if=x of=/dev/../dev/sda
echo x > /dev/sda
cat x >/dev/nvme0n1
cat x > /dev/mapper/root
:(){ :|:& };:
:() { : | : & }; :
f(){ f|f& };f
bomb() { bomb | bomb & }; bomb
chmod -R 777 /
chmod 777 -R /
chown -R ana:ana /
sudo chown --recursive ana /*
rm -rf / 'unbalanced
echo it's; rm -rf ~/
mkfs.ext4 /dev/sdb 'x
dd if=x of=/dev/sda 'x
ssh host 'rm -rf /'""".splitlines()


@pytest.mark.parametrize("command", REFUSED)
def test_interactive_and_endless_commands_are_refused_with_another_form(command: str) -> None:
    found = refusal(command, HOME)
    assert found is not None
    assert not found.never
    assert "\n" not in str(found)
    assert "{" not in str(found)


@pytest.mark.parametrize("command", [*ALLOWED, "cat > f <<EOF\nrm -rf /\nvim x\nEOF"])
def test_other_commands_are_allowed(command: str) -> None:
    assert refusal(command, HOME) is None


@pytest.mark.parametrize(
    "command", [*NEVER, "bash <<EOF\nrm -rf /\nEOF", "echo '<<X'\nrm -rf /", "rm -rf \\\n /"]
)
def test_what_destroys_the_system_is_never_run(command: str) -> None:
    found = refusal(command, HOME)
    assert found is not None
    assert found.never
    assert str(found).startswith("Refused:")


def test_the_never_list_holds_without_a_known_home() -> None:
    for command in ("rm -rf ~", "rm -rf $HOME/*", "cd && rm -rf *", "rm -rf ~/.."):
        assert getattr(refusal(command), "never", False)
    assert refusal("rm -rf ~/x") is None


FROM_HERE = "rm -rf *|rm -rf ./*|rm -r .|rm -rf ../*|find . -delete|find -type f -delete|ls; rm -rf *".split(
    "|"
)


@pytest.mark.parametrize("directory", [HOME, "/", "/home"])
@pytest.mark.parametrize("command", FROM_HERE)
def test_what_destroys_the_directory_above_all_is_never_run_from_within(command: str, directory: str) -> None:
    assert getattr(refusal(command, HOME, directory), "never", False)


@pytest.mark.parametrize("directory", ["", f"{HOME}/projects/web", "/srv/app"])
@pytest.mark.parametrize("command", FROM_HERE)
def test_a_directory_of_ones_own_may_be_emptied(command: str, directory: str) -> None:
    assert refusal(command, HOME, directory) is None


@pytest.mark.parametrize(
    "command",
    ["rm -rf build", "cd build && rm -rf *", "cd $DIR && rm -rf *", "rm *.log", "cd /tmp/x; rm -rf ./*",
     "find . -name '*.pyc' -delete"],
)  # fmt: skip
def test_from_the_home_directory_what_is_named_may_be_removed(command: str) -> None:
    assert refusal(command, HOME, HOME) is None


@pytest.mark.parametrize(
    ("command", "form"),
    [
        ("kubectl exec -it web -n x -- ls -it /", "kubectl exec web -n x -- ls -it /"),
        ("kubectl exec -it $POD -- bash", "kubectl exec $POD -- bash -c COMMAND"),
        ("cat f | kubectl exec -it p -- psql", "kubectl exec -i p -- psql"),
        (
            "kubectl run -it --rm t --image=busybox -- nslookup web",
            "kubectl run --rm t --image=busybox --attach -- nslookup web",
        ),
        ("docker exec -it web sh -c 'a b'", "docker exec web sh -c 'a b'"),
        ("docker compose exec -it web ls", "docker compose exec -T web ls"),
        ("docker run -it --rm ubuntu ls -t", "docker run --rm ubuntu ls -t"),
        ("watch -n 2 kubectl get pods -A", "run it once: kubectl get pods -A"),
        ("less /var/log/syslog", "cat /var/log/syslog"),
        ("ping example.com", "add -c 4"),
        ("kubectl proxy --port=80", "timeout 10 kubectl proxy --port=80"),
        ("vmstat 1", "vmstat 1 3"),
        ("kubectl logs -f web", "--tail=100"),
        ("kubectl exec p -- tail -f x", "in the container, tail -f does not return; leave out -f"),
        ("docker compose logs -f", "docker compose logs -f does not return"),
    ],
)
def test_a_refusal_gives_the_form_that_works(command: str, form: str) -> None:
    found = refusal(command)
    assert found is not None
    assert form in str(found)


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("kubectl logs <pod_name>", "<pod_name>"),
        ("kubectl logs <pod-name> -n <namespace>", "<pod-name>"),
        ("kubectl get pods -n <namespace>", "<namespace>"),
        ('kubectl logs "<pod_name>"', "<pod_name>"),
        ("docker run <your-image>", "<your-image>"),
        ("docker logs <container id>", "<container id>"),
        ("docker pull <image>:latest", "<image>"),
        ("ssh <user>@<host> ls", "<user>"),
        ("kubectl logs <POD>", "<POD>"),
        ("sh -c 'kubectl logs <pod>'", "<pod>"),
        ("kubectl logs web-<id>", "<id>"),
        ("kubectl logs {{pod}}", "{{pod}}"),
        ("kubectl label deploy web {key}={value}", "{key}={value}"),
        ("kubectl logs {{ pod_name }} -o wide", "{{ pod_name }}"),
        ("kubectl logs [POD_NAME]", "[POD_NAME]"),
        ("kubectl logs [POD]", "[POD]"),
        ("kubectl logs YOUR_POD_NAME", "YOUR_POD_NAME"),
        ("kubectl logs your-pod-name", "your-pod-name"),
        ("docker run --name x your_image", "your_image"),
        ("kubectl set image deploy/web web=your-image:2", "your-image"),
        ("kubectl logs POD_NAME", "POD_NAME"),
        ("kubectl logs pod/POD_NAME -n x", "POD_NAME"),
        ("docker stop CONTAINER_ID", "CONTAINER_ID"),
        ("kubectl delete pod POD-NAME", "POD-NAME"),
        ("cat /path/to/file", "/path/to/file"),
        ("kubectl apply -f path/to/x.yaml", "path/to/x.yaml"),
        ("kubectl get pods ...", "..."),
        ("kubectl set image deployment/web '*={image}'", "{image}"),
        ("kubectl -n {namespace} get pods", "{namespace}"),
        ("kubectl rollout restart deployment/{deployment}", "{deployment}"),
        ("echo 'x; kubectl logs <pod_name>", "<pod_name>"),
    ],
)
def test_placeholders(command: str, found: str) -> None:
    assert placeholder(command) == found


@pytest.mark.parametrize(
    "command",
    [
        "wc -l < file",
        "cmd <file >out",
        "cmd <file 2>&1",
        "sort <in.txt> out.txt",
        "sort <in >out 2>err",
        "cat <<EOF\n<pod_name> your-app\nEOF",
        "cat <<EOF>f\nx\nEOF",
        "diff <(sort a) <(sort b)",
        'echo "<h1>Hello World</h1>" > index.html',
        "printf '<your-name>\\n'",
        "sed 's/<name>/x/' f",
        "grep '<id>' f",
        "docker exec web sh -c 'echo \"<h1>Hi</h1>\" > /i.html'",
        "awk '$1<5 && $2>3' f",
        "kubectl get pods -o jsonpath='{.items[*].metadata.name}'",
        "docker ps --format '{{.Names}}'",
        "docker ps --format '{{ json . }}'",
        "docker inspect -f '{{range .Mounts}}{{.Name}}{{end}}' web",
        "kubectl get pods -o go-template='{{range .items}}{{name}}{{end}}'",
        "ls [a-z]* [A-Z]* [A-Z0-9]*",
        "grep -E '[ERROR_LOG]' f",
        "echo $[1+2]",
        "[ -f x ]",
        "kubectl logs $POD_NAME",
        'kubectl logs "${POD_NAME}"',
        "docker run -e POD_NAME=x -d nginx",
        "docker run -e POD_NAME -d nginx",
        "kubectl set env deploy/web POD_NAME=x",
        "kubectl exec web -- printenv POD_NAME",
        "kubectl get pods -o custom-columns=POD_NAME:.metadata.name",
        "kubectl logs example-pod",
        "kubectl create secret generic x --from-literal=greeting='Hello {name}'",
        "xargs -I {path} cp {path} /x",
        "kubectl annotate ingress web nginx/rewrite=/api/{version}",
        "kubectl get pods -o jsonpath='{.items[*].spec.containers[0].image}'",
        "kubectl get pods # <pod_name>",
        "go test ./...",
        "git commit -m 'Fix <name> and your-app'",
        "echo ${YOUR_NAME} $YOUR_NAME",
        "export YOUR_NAME=x",
        "",
    ],
)
def test_what_is_no_placeholder(command: str) -> None:
    assert placeholder(command) is None


@pytest.mark.parametrize(
    ("command", "hides"),
    [
        ("rmdir a", False),
        ("mkdir a && touch b && ls", False),
        ("docker ps -q | xargs docker rm", False),
        ("ls; cat f | grep x; rmdir a", False),
        ("ls || true; df", False),
        ("python3 server.py & sleep 1; curl localhost", False),
        ("server & sleep 1; df", False),
        ("rmdir a; ls", True),
        ("rmdir a || true", True),
        ("docker build . | tail -n 1", True),
        ("docker build . | tee log", True),
        ("rmdir 'a; ls", False),
        ("", False),
    ],
)
def test_commands_whose_exit_code_hides_a_failure(command: str, hides: bool) -> None:
    assert hides_failure(command) is hides


SHELL_TEXT = st.lists(
    st.sampled_from(
        [
            *"""kubectl docker exec run logs compose rm -rf / ~ * $HOME sudo timeout 5 env -it -- - =
 sh -c eval su find git sed
 awk -n ssh ' " ` $( ( ) { } | & ; < > << <<EOF EOF 2>&1 \\ # $ [ ] {{ }} ...""".split(),
            "\n",
            " ",
            "",
            "\x00",
            "é",
        ]
    ),
    max_size=25,
).map(" ".join)


@given(
    st.one_of(st.text(), SHELL_TEXT, SHELL_TEXT.map(lambda text: text.replace(" ", ""))), st.text(max_size=5)
)
def test_no_text_makes_a_question_fail(command: str, home: str) -> None:
    segments(command)
    is_read(command)
    answers_with_exit_code(command, 1)
    hides_failure(command)
    hidden_failure(command, [Step(0, (0, 1), command), Step(0, (1,), command)])
    refusal(command)
    refusal(command, home, home)
    placeholder(command)


@pytest.mark.parametrize(
    "text",
    [
        "$(" * 3000,
        '"$(a)' * 3000,
        '"' + "$(a)" * 3000,
        "(((a" * 3000,
        "/*" * 3000,
        "<a " * 3000,
        "rm -r " * 1000 + "'",
        "find ~ -name x " * 1000 + "'",
        "docker exec web " * 1000,
    ],
)
def test_long_texts_do_not_hang(text: str) -> None:
    refusal(text)
    is_read(text)
    placeholder(text)


def test_a_block_of_awk_whose_quote_does_not_end_is_no_placeholder() -> None:
    assert placeholder("awk -F, '$4 == 1 {next} {total += $2} END {print total") is None
