#include "sff_control.h"

int
main(int argc, char **argv)
{
	struct sff_options options;
	int code = sff_options_parse(argc, argv, &options);

	if (code < 0)
		code = sff_control_run(&options);
	sff_options_free(&options);
	return code;
}
