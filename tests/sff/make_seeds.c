/* Writes the seeds of fuzz_sff: each sample frame, whole and in three segments with other flags.
 *
 *   make_sff_seeds tests/fuzz/regress/sff
 */
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

static void
write_seed(const char *folder, const char *name, const uint8_t *head, size_t head_size,
	const struct frame *frame)
{
	char path[4096];
	FILE *file;
	int at = snprintf(path, sizeof(path), "%s/", folder);

	for (; *name != '\0' && at < (int)sizeof(path) - 1; name++)
		if (*name != ',')
			path[at++] = *name == ' ' ? '_' : *name;
	path[at] = '\0';
	file = fopen(path, "wb");
	if (file == NULL || fwrite(head, 1, head_size, file) != head_size ||
		fwrite(frame->bytes, 1, frame->size, file) != frame->size || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	static struct frame frame;
	struct fixture *f;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s FOLDER\n", argv[0]);
		return 1;
	}
	f = fixture_open(&(struct fixture_conf){.feed = SFF_FEED_LIVE});
	for (unsigned int i = 0; i < SAMPLES; i++) {
		/* Port, flags, cuts, then two cuts: in the outer or VM header, and in NSH. */
		uint8_t head[7] = {0, 0, 0, 0, 20, 0, 70};
		char split[64];
		const char *name;

		head[0] = (uint8_t)sample_build(f, i, &frame, &name);
		write_seed(argv[1], name, head, 3, &frame);
		head[1] = (uint8_t)(i * 5 % 64);
		head[2] = 2;
		snprintf(split, sizeof(split), "%s split", name);
		write_seed(argv[1], split, head, sizeof(head), &frame);
	}
	fixture_close(f);
	return 0;
}
