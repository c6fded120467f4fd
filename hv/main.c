#include <stdio.h>
#include <string.h>
#include <x86intrin.h>

#include "hv.h"

int
main(int argc, char **argv)
{
	uint64_t ns = hv_now_ns(), tsc = __rdtsc();
	struct hv_options options;
	int rc;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("hv " HV_VERSION ", guest ABI %d\n", HV_ABI_VERSION);
		return 0;
	}
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || (argc == 3 && strcmp(argv[2], "--help") == 0))) {
		hv_options_help();
		return 0;
	}
	if (argc < 2 || strcmp(argv[1], "run") != 0) {
		hv_error("%.100s: unknown verb (want run; see hv --help)", argc < 2 ? "nothing" : argv[1]);
		return HV_EXIT_USAGE;
	}
	rc = hv_options_parse(argc - 2, argv + 2, &options);
	if (rc != 0)
		return rc;
	options.main_ns = ns;
	options.main_tsc = tsc;
	if (options.start_ns == 0)
		options.start_ns = ns;
	return hv_run(&options);
}
