"""The command of C (tests/suite/commands/c): what the sanitizers and valgrind say of every verb."""
import pytest
from harness import ROOT, SUITE, client_environment, compiled, run

SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
LOGGED = r"""
version
init	team/verbs	offline_dir=OFFLINE	compress=true	max_file_size=9999	source=c	attributes={"a": 1}	redact=pin	filter=no
log	op	{"pin": "1234"}	"out"
log	no	{}	
batch	[{"op_name": "a"}, {"op_name": "b", "output": [1]}]
start	A	outer	{"text": "%25 %F0%9F%98%80"}	
start	B	inner		A
usage	B	gpt	3	4
fail	B	Error	broke%09here
end	B	
rename	A	Zürich
context	A
nest	3
raise	too late
values
threads	3	10
op	f	def f(): pass
object	o	[1, 2]
table	[{"a": 1}]
dataset	d	[{"a": 1}, {"a": 2}]
file	f.bin	%00%FF%09
image	png	%89PNG
audio	wav	RIFF
content	a.pdf	application/pdf	%25PDF
cost	gpt	0.000001	2e-6
end	A	{"model": "m", "usage": {"prompt_tokens": 1}}
flush
stats
finish
directory	OFFLINE
rejected	OFFLINE
""".lstrip()
# Memory of the parent's threads is nobody's in a child, so that valgrind takes it for lost there.
IN_A_CHILD = "start	C	outer		\nfork	C\n"
SENT = "sync	OFFLINE\nverify	OFFLINE\nclean	OFFLINE	0\n"
REFUSED = r"""
log	op	{bad	
start	D	op	{}	
end	D	[1, 2
adopt	E	op	no context
row	no reference	{}
image	bmp	BM
note	no id	text
sync	/nowhere
""".lstrip()


@pytest.fixture
def answers(library, tmp_path):
    """answers(lines, *flags, under=(), server=None) are the first fields of what the command answers to lines."""
    def ask(lines, *flags, under=(), server=None):
        first, *others = sorted((SUITE / "commands/c").glob("*.c"))
        program = compiled(first, tmp_path / "command", *others, *flags)
        done = run([*under, program], input=lines.replace("OFFLINE", str(tmp_path / "offline")),
                   environment=client_environment(tmp_path, server), timeout=600)
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    return ask


def test_the_sanitizers_find_no_fault_in_any_verb(answers, shared_server):
    lines = LOGGED.replace("flush\n", IN_A_CHILD + "flush\n") + SENT
    assert answers(lines, *SANITIZE, server=shared_server()) == ["ok"] * len(lines.splitlines())


def test_the_sanitizers_find_no_fault_in_what_is_refused(answers):
    begin = "init	team/refused	offline_dir=OFFLINE\n"
    assert answers(begin + REFUSED, *SANITIZE) == ["ok", "error", "ok", *["error"] * 6]


def test_valgrind_finds_no_fault_in_what_is_logged(answers):
    valgrind = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"]
    assert answers(LOGGED, under=valgrind) == ["ok"] * len(LOGGED.splitlines())
