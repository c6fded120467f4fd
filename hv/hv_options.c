#include "hv.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* Set one field from its text; false when the text is wrong. */
typedef bool (*option_setter)(struct hv_options *out, const char *value);

static bool
number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *out >= min && *out <= max;
}

static bool
set_memory(struct hv_options *out, const char *value)
{
	uint64_t n;
	bool ok = number(value, HV_MEMORY_MIN, HV_MEMORY_MAX, &n);

	out->memory_mib = ok ? (uint32_t)n : 0;
	return ok;
}

static bool
socket_path(const char *value)
{
	return *value != '\0' && strlen(value) < sizeof(((struct sockaddr_un *)0)->sun_path);
}

static bool
set_net(struct hv_options *out, const char *value)
{
	out->net = value;
	return socket_path(value);
}

static bool
set_control(struct hv_options *out, const char *value)
{
	out->control = value;
	return socket_path(value);
}

static bool
set_runtime(struct hv_options *out, const char *value)
{
	static const char *const names[] = {
		[HV_RUNTIME_AUTO] = "auto", [HV_RUNTIME_KVM] = "kvm", [HV_RUNTIME_PROCESS] = "process"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0) {
			out->runtime = (enum hv_runtime_kind)i;
			return true;
		}
	return false;
}

static bool
set_cpu(struct hv_options *out, const char *value)
{
	uint64_t n;
	bool ok = number(value, 0, 1023, &n);

	out->cpu = ok ? (int)n : -1;
	return ok;
}

static bool
set_pairs(struct hv_options *out, const char *value)
{
	uint64_t n;
	bool ok = number(value, 1, HV_MAX_PAIRS, &n);

	out->pairs = ok ? (uint32_t)n : 0;
	return ok;
}

static bool
set_mac(struct hv_options *out, const char *value)
{
	char rest;

	out->mac_set = strlen(value) == 17 &&
	               sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &out->mac[0], &out->mac[1],
			       &out->mac[2], &out->mac[3], &out->mac[4], &out->mac[5], &rest) == 6 &&
	               (out->mac[0] & 1) == 0;
	return out->mac_set;
}

static bool
set_lifeline(struct hv_options *out, const char *value)
{
	uint64_t n;
	bool ok = number(value, 0, 1 << 20, &n);

	out->lifeline = ok ? (int)n : -1;
	return ok;
}

static bool
set_start_ns(struct hv_options *out, const char *value)
{
	uint64_t now = hv_now_ns();

	return number(value, 0, now, &out->start_ns);
}

static bool
set_stamps(struct hv_options *out, const char *value)
{
	out->stamps = strcmp(value, "on") == 0;
	return out->stamps || strcmp(value, "off") == 0;
}

static bool
set_arg(struct hv_options *out, const char *value)
{
	size_t total = strlen(value) + 1;

	if (out->args == HV_MAX_ARGS)
		return false;
	for (uint32_t i = 0; i < out->args; i++)
		total += strlen(out->arg[i]) + 1;
	out->arg[out->args++] = value;
	return total <= HV_ARGS_SIZE;
}

static const struct option_row {
	const char *name;
	option_setter set;
	const char *value; /* its name in the help */
	const char *limit; /* what is allowed */
	const char *help;
} rows[] = {
	{"--memory", set_memory, "MIB", "2 to 1022", "guest memory"},
	{"--net", set_net, "SOCKET", "1 to 107 bytes", "vhost-user socket; the back end connects to it"},
	{"--control", set_control, "SOCKET", "1 to 107 bytes", "control socket"},
	{"--runtime", set_runtime, "R", "auto, kvm or process", "auto: kvm where it works"},
	{"--cpu", set_cpu, "N", "0 to 1023", "run the guest on this CPU only"},
	{"--pairs", set_pairs, "N", "1 to 16", "queue pairs (default 1)"},
	{"--mac", set_mac, "MAC", "unicast, as in 02:00:00:00:00:01",
		"address of the port (default: random, local)"},
	{"--lifeline", set_lifeline, "FD", "an open descriptor", "end when this descriptor reaches its end"},
	{"--start-ns", set_start_ns, "NS", "CLOCK_MONOTONIC, not in the future",
		"when this program was started"},
	{"--stamps", set_stamps, "S", "on or off", "the guest says when it took and sent frames"},
	{"--arg", set_arg, "A", "32 of them, 2048 bytes in all", "argument for the guest, may be repeated"},
};

void
hv_options_help(void)
{
	puts("usage: hv run IMAGE --memory MIB --net SOCKET [OPTION VALUE]...\n"
	     "       hv --help | --version\n"
	     "\n"
	     "Run one guest image, in a KVM virtual machine or as a sandboxed process.\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("  %-10s %-7s %s (%s)\n", rows[i].name, rows[i].value, rows[i].help, rows[i].limit);
	puts("\n"
	     "Exit code: 0 to 69 from the guest, 70 usage, 71 image, 72 KVM, 73 memory, 74 socket.\n"
	     "\n"
	     "Example: hv run firewall --memory 16 --net /tmp/fw.net --control /tmp/fw.ctl \\\n"
	     "             --arg 'deny udp any any 53'");
}

static int
usage(const char *object, const char *reason, const char *value, const char *limit)
{
	if (value != NULL)
		hv_error("%.100s: %s (%.100s, limit: %s)", object, reason, value, limit);
	else
		hv_error("%.100s: %s (see hv --help)", object, reason);
	return HV_EXIT_USAGE;
}

static bool
cpu_allowed(int cpu)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_ISSET(cpu, &cpus);
}

int
hv_options_parse(int argc, char **argv, struct hv_options *out)
{
	*out = (struct hv_options){.cpu = -1, .pairs = 1, .lifeline = -1};
	for (int i = 0; i < argc; i++) {
		const struct option_row *row = NULL;

		for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
			if (strcmp(argv[i], rows[k].name) == 0)
				row = &rows[k];
		if (row != NULL) {
			if (++i == argc)
				return usage(row->name, "value missing", NULL, NULL);
			if (!row->set(out, argv[i]))
				return usage(row->name, "not allowed", argv[i], row->limit);
		} else if (argv[i][0] == '-') {
			return usage(argv[i], "unknown option", NULL, NULL);
		} else if (out->image != NULL) {
			return usage(argv[i], "a second image", NULL, NULL);
		} else {
			out->image = argv[i];
		}
	}
	if (out->image == NULL)
		return usage("IMAGE", "missing", NULL, NULL);
	if (out->memory_mib == 0)
		return usage("--memory", "missing", NULL, NULL);
	if (out->net == NULL)
		return usage("--net", "missing", NULL, NULL);
	if (out->control != NULL && strcmp(out->control, out->net) == 0)
		return usage("--control", "same socket as --net", NULL, NULL);
	if (out->lifeline >= 0 && fcntl(out->lifeline, F_GETFD) < 0)
		return usage("--lifeline", "not open", NULL, NULL);
	if (out->cpu >= 0 && !cpu_allowed(out->cpu))
		return usage("--cpu", "no such CPU, or not for us", NULL, NULL);
	return 0;
}
