#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sff_options.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS 24

/* Parse words, ended by NULL; what is printed on stdout and stderr is kept. */
static char printed[8192];

static int
parse(struct sff_options *o, const char *const words[])
{
	char *argv[MAX_ARGS] = {"sff"};
	char copy[MAX_ARGS][128];
	int argc = 1, rc, saved[2], file = fileno(tmpfile());
	ssize_t n;

	for (; words[argc - 1] != NULL; argc++) {
		snprintf(copy[argc], sizeof(copy[argc]), "%s", words[argc - 1]);
		argv[argc] = copy[argc];
	}
	fflush(stdout);
	for (int fd = 1; fd <= 2; fd++) {
		saved[fd - 1] = dup(fd);
		dup2(file, fd);
	}
	optind = 0; /* getopt starts anew */
	rc = sff_options_parse(argc, argv, o);
	fflush(stdout);
	for (int fd = 1; fd <= 2; fd++) {
		dup2(saved[fd - 1], fd);
		close(saved[fd - 1]);
	}
	n = pread(file, printed, sizeof(printed) - 1, 0);
	assert_true(n >= 0);
	printed[n] = '\0';
	close(file);
	return rc;
}

#define PARSE(o, ...) parse(o, (const char *const[]){__VA_ARGS__, NULL})

static void
a_configuration_is_enough(void **state)
{
	struct sff_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--config", "a.yaml"), -1);
	/* The words are ours and gone by now: only what does not point to them is looked at. */
	assert_false(o.replay);
	assert_false(o.json);
	assert_null(o.node);
	assert_null(o.run_dir);
	assert_int_equal(o.runtime, -1);
	assert_int_equal(o.lockstep, 0);
	assert_true(o.speed == 0);
	assert_int_equal(o.loops, 1);
	assert_int_equal(o.report_fd, -1);
	assert_string_equal(printed, "");
	sff_options_free(&o);
}

static void
every_option_of_a_replay_arrives(void **state)
{
	struct sff_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--replay", "--config", "a", "--node", "n", "--json", "--run-dir", "d",
				 "--in", "lan=x=y.pcap", "--in", "wan=b", "--out", "wan=c", "--runtime",
				 "kvm", "--speed", "0.5", "--loop", "7", "--report-fd", "9"),
		-1);
	assert_true(o.replay && o.json);
	assert_int_equal(o.n_in, 2);
	assert_string_equal(o.in[0].port, "lan");
	assert_string_equal(o.in[0].file, "x=y.pcap");
	assert_string_equal(o.in[1].port, "wan");
	assert_string_equal(o.in[1].file, "b");
	assert_int_equal(o.n_out, 1);
	assert_string_equal(o.out[0].port, "wan");
	assert_int_equal(o.runtime, SFC_RUNTIME_KVM);
	assert_true(o.speed == 0.5);
	assert_int_equal(o.loops, 7);
	assert_int_equal(o.report_fd, 9);
	sff_options_free(&o);
}

static void
every_option_of_a_bench_arrives(void **state)
{
	struct sff_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--bench", "--config", "a", "--report-fd", "9"), -1);
	assert_true(o.bench && o.replay);
	assert_int_equal(o.flows, 1024);
	assert_int_equal(o.frame_size, 64);
	assert_true(o.trial_s == 1 && o.sum_s == 21 && o.width == 0.005);
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--bench", "--config", "a", "--report-fd", "9", "--flows", "7", "--size",
				 "imix", "--trial", "0.5", "--sum", "2.5", "--width", "10"),
		-1);
	assert_int_equal(o.flows, 7);
	assert_int_equal(o.frame_size, 0);
	assert_true(o.trial_s == 0.5 && o.sum_s == 2.5 && o.width == 0.1);
	sff_options_free(&o);
	/* It reports, and makes or takes one kind of traffic. */
	assert_int_equal(PARSE(&o, "--bench", "--config", "a"), 1);
	assert_non_null(strstr(printed, "--report-fd"));
	assert_int_equal(
		PARSE(&o, "--bench", "--config", "a", "--report-fd", "9", "--in", "a=b", "--in", "c=d"), 1);
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--bench", "--config", "a", "--report-fd", "9", "--lockstep", "2"), 1);
	sff_options_free(&o);
}

static void
numbers_have_limits_that_the_message_names(void **state)
{
	static const struct {
		const char *option, *value, *said;
	} rows[] = {
		{"--lockstep", "0", "1 to 64"},
		{"--lockstep", "65", "1 to 64"},
		{"--lockstep", "", "1 to 64"},
		{"--lockstep", "-1", "1 to 64"},
		{"--lockstep", "+1", "1 to 64"},
		{"--lockstep", " 1", "1 to 64"},
		{"--lockstep", "1x", "1 to 64"},
		{"--lockstep", "18446744073709551617", "1 to 64"},
		{"--loop", "0", "from 1"},
		{"--loop", "4294967296", "4294967295"},
		{"--report-fd", "2", "from 3"},
		{"--report-fd", "32768", "32767"},
		{"--flows", "0", "from 1 to 65536"},
		{"--size", "59", "from 60 to 9000"},
		{"--size", "9001", "from 60 to 9000"},
		{"--trial", "0", "from 0.01 to 60"},
		{"--trial", "nan", "--trial"},
		{"--sum", "601", "from 0.01 to 600"},
		{"--width", "0.05", "from 0.1 to 50"},
		{"--speed", "0", "--speed"},
		{"--speed", "-1", "--speed"},
		{"--speed", "nan", "--speed"},
		{"--speed", "inf", "--speed"},
		{"--speed", "fast", "--speed"},
		{"--speed", "1x", "--speed"},
		{"--speed", "1000001", "--speed"},
		{"--runtime", "xen", "xen"},
		{"--in", "lan", "--in"},
		{"--in", "=a", "--in"},
		{"--in", "lan=", "--in"},
		{"--out", "", "--out"},
	};
	struct sff_options o;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(PARSE(&o, "--replay", "--config", "a", rows[i].option, rows[i].value), 1);
		if (strstr(printed, rows[i].said) == NULL || strncmp(printed, "sff: ", 5) != 0)
			fail_msg("%s %s: said '%s'", rows[i].option, rows[i].value, printed);
		sff_options_free(&o);
	}
	assert_int_equal(PARSE(&o, "--replay", "--config", "a", "--lockstep", "64"), -1);
	assert_int_equal(o.lockstep, 64);
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--replay", "--config", "a", "--speed", "max"), -1);
	assert_true(o.speed == 0);
	sff_options_free(&o);
}

static void
what_makes_no_sense_together_is_refused(void **state)
{
	static const char *const of_replays[][2] = {
		{"--out", "lan=x"},
		{"--runtime", "auto"},
		{"--lockstep", "1"},
		{"--speed", "max"},
		{"--loop", "1"},
		{"--report-fd", "9"},
	};
	struct sff_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--json"), 1);
	assert_non_null(strstr(printed, "--config"));
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--config", "a", "--in", "lan=x"), 1);
	assert_non_null(strstr(printed, "--replay"));
	sff_options_free(&o);
	for (unsigned int i = 0; i < sizeof(of_replays) / sizeof(of_replays[0]); i++) {
		assert_int_equal(PARSE(&o, "--config", "a", of_replays[i][0], of_replays[i][1]), 1);
		assert_non_null(strstr(printed, of_replays[i][0]));
		assert_non_null(strstr(printed, "goes with --replay"));
		sff_options_free(&o);
	}
	assert_int_equal(PARSE(&o, "--config", "a", "--replay", "--flows", "1024"), 1);
	assert_non_null(strstr(printed, "--flows goes with --bench"));
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--config", "a", "--replay", "--lockstep", "1", "--speed", "2"), 1);
	assert_non_null(strstr(printed, "exclude"));
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--config", "a", "b"), 1);
	assert_non_null(strstr(printed, "'b'"));
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--config", "a", "--unknown"), 1);
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--config"), 1);
	sff_options_free(&o);
}

static void
help_and_version_end_well_and_fit_100_columns(void **state)
{
	struct sff_options o;
	unsigned int column = 0;

	(void)state;
	assert_int_equal(PARSE(&o, "--help"), 0);
	assert_non_null(strstr(printed, "Example:"));
	for (const char *c = printed; *c != '\0'; c++) {
		column = *c == '\n' ? 0 : column + 1;
		assert_true(column <= 100);
	}
	sff_options_free(&o);
	assert_int_equal(PARSE(&o, "--version"), 0);
	assert_memory_equal(printed, "sff ", 4);
	sff_options_free(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_is_enough),
		cmocka_unit_test(every_option_of_a_replay_arrives),
		cmocka_unit_test(every_option_of_a_bench_arrives),
		cmocka_unit_test(numbers_have_limits_that_the_message_names),
		cmocka_unit_test(what_makes_no_sense_together_is_refused),
		cmocka_unit_test(help_and_version_end_well_and_fit_100_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
