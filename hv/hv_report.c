/* Crash report: everything in it comes from the guest, so it is bounded and printable. */
#include "hv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TAIL_SIZE 1024u /* bytes of console shown */
#define LINE_SIZE 256u  /* bytes of its last line */

static const char *
vector_name(uint64_t vector)
{
	static const char *const names[32] = {[0] = "divide error",
		[1] = "debug",
		[2] = "NMI",
		[3] = "breakpoint",
		[4] = "overflow",
		[5] = "bound range",
		[6] = "invalid opcode",
		[7] = "device not available",
		[8] = "double fault",
		[10] = "invalid TSS",
		[11] = "segment not present",
		[12] = "stack fault",
		[13] = "general protection",
		[14] = "page fault",
		[16] = "x87 error",
		[17] = "alignment check",
		[18] = "machine check",
		[19] = "SIMD error",
		[21] = "control protection"};

	return vector < 32 && names[vector] != NULL ? names[vector] : "unknown";
}

static void
report_stack(const struct hv_guest *guest, uint64_t rsp)
{
	for (uint32_t i = 0; i < HV_CRASH_STACK_WORDS; i++) {
		const void *word = hv_mem_at(&guest->mem, rsp + 8ULL * i, 8);
		uint64_t value;

		if (rsp + 8ULL * i < rsp || word == NULL)
			break;
		memcpy(&value, word, sizeof(value));
		hv_mem_status(&guest->mem)->crash.stack[i] = value;
		if (i % 4 == 0)
			fprintf(stderr, "hv:   stack+%03x", 8 * i);
		fprintf(stderr, " %016" PRIx64, value);
		if (i % 4 == 3)
			fputc('\n', stderr);
	}
}

static void
report_console(const struct hv_guest *guest)
{
	const struct hv_console *console = hv_mem_at(&guest->mem, HV_CONSOLE_ADDR, sizeof(*console));
	uint64_t written = __atomic_load_n(&console->written, __ATOMIC_ACQUIRE);
	uint64_t size = written < TAIL_SIZE ? written : TAIL_SIZE;
	bool line_start = true;

	for (uint64_t i = written - size; i != written; i++) {
		char c = console->data[i % HV_CONSOLE_DATA];

		if (line_start)
			fputs("hv:   console: ", stderr);
		line_start = c == '\n';
		fputc(c == '\n' || (c >= ' ' && c <= '~') ? c : '.', stderr);
	}
	if (!line_start)
		fputc('\n', stderr);
}

void
hv_report_exit(const struct hv_guest *guest, int code)
{
	const struct hv_console *console = hv_mem_at(&guest->mem, HV_CONSOLE_ADDR, sizeof(*console));
	uint64_t written = __atomic_load_n(&console->written, __ATOMIC_ACQUIRE);
	uint64_t end = written > 0 ? written - 1 : 0; /* without the newline at its end */
	uint64_t start = end;
	char line[LINE_SIZE];
	uint32_t size = 0;

	while (start > 0 && end - start < sizeof(line) - 1 &&
		console->data[(start - 1) % HV_CONSOLE_DATA] != '\n')
		start--;
	for (; start < end; start++) {
		char c = console->data[start % HV_CONSOLE_DATA];

		line[size++] = c >= ' ' && c <= '~' ? c : '.';
	}
	line[size] = '\0';
	hv_error("%s: ended with code %d%s%s", guest->options->image, code, size > 0 ? ": " : "", line);
}

void
hv_report(struct hv_guest *guest)
{
	struct hv_crash crash = hv_mem_status(&guest->mem)->crash;
	int code = atomic_load(&guest->end_code);
	const char *reason = guest->end_reason;
	bool kvm = guest->runtime->backend == HV_BACKEND_KVM;

	if (reason != NULL)
		hv_error("%s: guest failed: %s (0x%" PRIx64 ")", guest->options->image, reason,
			guest->end_value);
	else if (code == HV_EXIT_EXCEPTION)
		hv_error("%s: guest crashed: %s (%s %" PRIu64 ", error 0x%" PRIx64 ")", guest->options->image,
			kvm ? vector_name(crash.vector) : strsignal((int)(crash.vector & 127)),
			kvm ? "vector" : "signal", crash.vector, crash.error);
	else
		hv_error("%s: guest ended itself (code %d)", guest->options->image, code);
	if (crash.rip != 0 || crash.rsp != 0) {
		fprintf(stderr,
			"hv:   rip %016" PRIx64 " rsp %016" PRIx64 " cr2 %016" PRIx64 " rflags %08" PRIx64
			" cs %02" PRIx64 " ss %02" PRIx64 "\n",
			crash.rip, crash.rsp, crash.cr2, crash.rflags, crash.cs, crash.ss);
		report_stack(guest, crash.rsp);
	}
	for (uint32_t i = 0; i < guest->samples; i++)
		fprintf(stderr, "hv:   sample rip %016" PRIx64 "\n", guest->sample[i]);
	report_console(guest);
}
