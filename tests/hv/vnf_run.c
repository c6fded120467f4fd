#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vnf_run.h"

#define WAIT_MS 5000u

static char dir[32];

const char *
run_dir(void)
{
	if (!dir[0]) {
		strcpy(dir, "/tmp/vnf-XXXXXX");
		assert_non_null(mkdtemp(dir));
	}
	return dir;
}

void
run_clean(void)
{
	struct dirent *entry;
	char path[300];
	DIR *open;

	if (!dir[0] || !(open = opendir(dir)))
		return;
	while ((entry = readdir(open))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		unlink(path);
	}
	closedir(open);
	rmdir(dir);
}

static void
sleep_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static const char *
in_dir(char path[64], const char *name)
{
	snprintf(path, 64, "%s/%s", run_dir(), name);
	return path;
}

/* Start a program with its output in the file `output`, its input from fd `input` unless that is -1. It dies
 * with this one, so that a failed test leaves nothing behind. */
static pid_t
spawn(const char *const argv[], const char *output, int input)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int out;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		dup2(out, 1);
		dup2(out, 2);
		dup2(input >= 0 ? input : open("/dev/null", O_RDONLY), 0);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return pid;
}

/* Exit code of a child; -1: killed by a signal, by us after WAIT_MS. */
static int
reap(pid_t pid)
{
	int status;

	for (unsigned ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms += 10) {
		if (ms > WAIT_MS)
			kill(pid, SIGKILL);
		sleep_ms(10);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t
read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "rb");
	size_t n = file ? fread(text, 1, size - 1, file) : 0;

	if (file)
		fclose(file);
	text[n] = '\0';
	return n;
}

int
run_program(const char *const argv[])
{
	char path[64], text[2000];
	int code = reap(spawn(argv, in_dir(path, "output"), -1));

	if (code && read_file(path, text, sizeof(text)))
		print_message("%s: %s\n", argv[0], text);
	return code;
}

static pid_t
spawn_hv(const char *image, const char *runtime, unsigned pairs, const char *const arg[], const char *net,
	const char *control, const char *output)
{
	char count[2] = {(char)('0' + (pairs ? pairs : 1))};
	const char *argv[20 + 2 * HV_MAX_ARGS] = {BUILD_DIR "/bin/hv", "run", image, "--memory", "16",
		"--net", net, "--control", control, "--runtime", runtime, "--pairs", count};
	unsigned n = 13;

	for (; *arg; arg++) {
		argv[n++] = "--arg";
		argv[n++] = *arg;
	}
	unlink(net);
	unlink(control);
	return spawn(argv, output, -1);
}

int
run_to_end(const char *image, const char *runtime, const char *const arg[], char *output, size_t size)
{
	char net[64], control[64], log[64];
	int code = reap(spawn_hv(image, runtime, 1, arg, in_dir(net, "net"), in_dir(control, "control"),
		in_dir(log, "hv.log")));

	read_file(log, output, size);
	return code;
}

/* The first message: its text, and the shared memory behind its descriptor. */
static void
greet(struct run *run, const char *runtime)
{
	char text[512] = "", want[40], control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = {text, sizeof(text) - 1};
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct timeval timeout = {WAIT_MS / 1000, 0};
	int fd;

	setsockopt(run->control, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	assert_true(recvmsg(run->control, &message, 0) > 4);
	snprintf(want, sizeof(want), "\"runtime\":\"%s\"", runtime);
	if (!strstr(text + 4, want) || !strstr(text + 4, "\"state\":\"ready\""))
		fail_msg("hv says %s", text + 4);
	assert_non_null(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	run->shared = mmap(NULL, HV_SHARED_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	assert_ptr_not_equal(run->shared, MAP_FAILED);
}

void
run_start(struct run *run, const char *image, const char *runtime, const char *const arg[])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char log[64], text[1000];

	in_dir(run->net, "net");
	in_dir(address.sun_path, "control");
	run->pid =
		spawn_hv(image, runtime, run->pairs, arg, run->net, address.sun_path, in_dir(log, "hv.log"));
	for (unsigned ms = 0;; ms += 10) {
		run->control = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(run->control, (struct sockaddr *)&address, sizeof(address)) == 0)
			break;
		close(run->control);
		if (ms > WAIT_MS || waitpid(run->pid, NULL, WNOHANG) != 0) {
			read_file(log, text, sizeof(text));
			fail_msg("%s does not start: %s", image, text);
		}
		sleep_ms(10);
	}
	greet(run, runtime);
}

int
run_command(struct run *run, const char *command)
{
	char message[64];
	int n = snprintf(message + 4, sizeof(message) - 4, "{\"command\":\"%s\"}", command), code;
	uint32_t length = htonl((uint32_t)n);

	memcpy(message, &length, 4);
	assert_int_equal(write(run->control, message, (size_t)n + 4), n + 4);
	code = reap(run->pid);
	close(run->control);
	munmap((void *)(uintptr_t)run->shared, HV_SHARED_SIZE);
	return code;
}

const struct hv_status *
run_status(const struct run *run)
{
	return (const struct hv_status *)(const void *)run->shared;
}

uint64_t
run_metric(const struct run *run, const char *name)
{
	const struct hv_metrics *metrics = (const void *)(run->shared + HV_METRICS_ADDR - HV_SHARED_ADDR);

	for (uint32_t i = 0; i < metrics->count; i++) {
		if (strcmp(metrics->metric[i].name, name) == 0)
			return metrics->metric[i].value;
	}
	fail_msg("no metric %s", name);
	return 0;
}

bool
run_console_has(const struct run *run, const char *text)
{
	const struct hv_console *console = (const void *)(run->shared + HV_CONSOLE_ADDR - HV_SHARED_ADDR);

	return memmem(console->data, sizeof(console->data), text, strlen(text)) != NULL;
}

static void
write_pcap(const char *path, const struct run_frame *frame, unsigned n)
{
	const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	fwrite(head, sizeof(head), 1, file);
	for (unsigned i = 0; i < n; i++) {
		const uint32_t record[4] = {0, i, frame[i].size, frame[i].size};

		fwrite(record, sizeof(record), 1, file);
		fwrite(frame[i].bytes, frame[i].size, 1, file);
	}
	assert_int_equal(fclose(file), 0);
}

static unsigned
read_pcap(const char *path, struct run_frame *frame, unsigned n)
{
	FILE *file = fopen(path, "rb");
	uint32_t record[4];
	unsigned count = 0;

	assert_non_null(file);
	assert_int_equal(fseek(file, 24, SEEK_SET), 0);
	while (fread(record, sizeof(record), 1, file) == 1) {
		assert_true(count < n && record[2] <= RUN_FRAME_MAX);
		frame[count].size = record[2];
		assert_int_equal(fread(frame[count++].bytes, record[2], 1, file), 1);
	}
	fclose(file);
	return count;
}

static void
await_text(const char *path, const char *text)
{
	static char seen[200000];

	for (unsigned ms = 0; !(read_file(path, seen, sizeof(seen)) && strstr(seen, text)); ms += 20) {
		if (ms > 2 * WAIT_MS)
			fail_msg("testpmd never says \"%s\": %s", text, seen);
		sleep_ms(20);
	}
}

/* Until the guest has taken n frames and is asleep again. */
static void
await_frames(const struct run *run, uint64_t n)
{
	const struct hv_status *status = run_status(run);

	for (unsigned ms = 0; __atomic_load_n(&status->rx_frames, __ATOMIC_ACQUIRE) < n; ms += 20) {
		if (ms > 2 * WAIT_MS)
			fail_msg("the guest took %lu of %lu frames", (unsigned long)status->rx_frames,
				(unsigned long)n);
		sleep_ms(20);
	}
	sleep_ms(200);
}

/* All pairs got the same frames, so all must return the same. */
static void
expect_same(const char *path, const struct run_frame *frame, unsigned n)
{
	struct run_frame *other = calloc(n + 1, sizeof(*other));

	assert_int_equal(read_pcap(path, other, n + 1), n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(other[i].size, frame[i].size);
		assert_memory_equal(other[i].bytes, frame[i].bytes, frame[i].size);
	}
	free(other);
}

unsigned
run_frames(struct run *run, const struct run_frame *sent, unsigned n, struct run_frame *back)
{
	char in[64], out[RUN_PAIRS_MAX][64], log[64], vhost[128], pcap[64 + RUN_PAIRS_MAX * 160], rxq[24],
		txq[24];
	const char *argv[] = {"dpdk-testpmd", "-l", "0,1", "--no-huge", "-m", "256", "--no-pci",
		"--no-shconf", "--no-telemetry", vhost, pcap, "--", "-i", "--total-num-mbufs=8192",
		"--no-flush-rx", "--max-pkt-len=9200", "--forward-mode=io", rxq, txq, NULL};
	unsigned pairs = run->pairs ? run->pairs : 1, at;
	uint64_t before = run_status(run)->rx_frames;
	int input[2];
	pid_t pid;

	write_pcap(in_dir(in, "in.pcap"), sent, n);
	at = (unsigned)snprintf(pcap, sizeof(pcap), "--vdev=net_pcap0");
	for (unsigned i = 0; i < pairs; i++) {
		char name[24];

		snprintf(name, sizeof(name), "out%u.pcap", i);
		in_dir(out[i], name);
		at += (unsigned)snprintf(pcap + at, sizeof(pcap) - at, ",rx_pcap=%s,tx_pcap=%s", in, out[i]);
	}
	snprintf(vhost, sizeof(vhost), "--vdev=net_vhost0,iface=%s,client=1,queues=%u", run->net, pairs);
	snprintf(rxq, sizeof(rxq), "--rxq=%u", pairs);
	snprintf(txq, sizeof(txq), "--txq=%u", pairs);
	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	pid = spawn(argv, in_dir(log, "testpmd.log"), input[0]);
	close(input[0]);
	await_text(log, "virtio is now ready for processing");
	/* Retried for long enough: the back end loses nothing that does not fit at once. */
	dprintf(input[1], "set fwd io retry\nset burst tx delay 100 retry 10000\nstart\n");
	await_frames(run, before + (uint64_t)n * pairs);
	dprintf(input[1], "stop\nquit\n");
	close(input[1]);
	assert_int_equal(reap(pid), 0);
	n = read_pcap(out[0], back, n);
	for (unsigned i = 1; i < pairs; i++)
		expect_same(out[i], back, n);
	return n;
}
