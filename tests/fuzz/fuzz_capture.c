/* Any bytes as a capture file: libpcap parses, our record checks must hold for whatever it returns. What was
 * read is written and read again: parse(build(x)) == x. */
#include "pmd_capture_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "broken: %s\n", what);
		abort();
	}
}

static int
open_memory(char *path, size_t path_size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	must(fd >= 0, "memfd_create");
	snprintf(path, path_size, "/dev/fd/%d", fd);
	return fd;
}

/* Read all records; give them to `copy` when it is not NULL. Returns a sum over all of them. */
static uint64_t
play(struct pmd_reader *reader, struct pmd_writer *copy, uint64_t *frames)
{
	struct pmd_record record;
	char err[512];
	uint64_t sum = 0;
	int rc;

	*frames = 0;
	while ((rc = pmd_reader_next(reader, &record, err, sizeof(err))) == 1) {
		must(record.size >= 1 && record.size <= 65535, "record size");
		/* The copy is a pcap with 32-bit seconds. */
		record.stamp_ns %= 4000000000000000000u;
		if (copy != NULL)
			must(pmd_writer_add(copy, record.stamp_ns, record.bytes, record.size) == 0, "add");
		sum = sum * 31 + record.stamp_ns + record.size;
		for (uint32_t i = 0; i < record.size; i++)
			sum = sum * 31 + record.bytes[i];
		++*frames;
	}
	must(rc == 0 || strstr(err, ": frame ") != NULL, "an error names its frame");
	must(pmd_reader_next(reader, &record, err, sizeof(err)) == 0, "the end stays");
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char in[32], out[32], err[512];
	struct pmd_reader *reader;
	struct pmd_writer *writer;
	uint64_t frames, again;
	int in_fd = open_memory(in, sizeof(in));
	int out_fd = open_memory(out, sizeof(out));

	must(write(in_fd, data, size) == (ssize_t)size, "write");
	if (pmd_reader_open(in, &reader, err, sizeof(err)) == 0) {
		must(pmd_writer_open(out, NULL, NULL, &writer, err, sizeof(err)) == 0, "create");
		uint64_t sum = play(reader, writer, &frames);
		must(pmd_writer_close(writer) == 0, "close");
		must(pmd_reader_rewind(reader, err, sizeof(err)) == 0, "rewind");
		must(play(reader, NULL, &again) == sum && again == frames, "the same again");
		pmd_reader_close(reader);

		must(pmd_reader_open(out, &reader, err, sizeof(err)) == 0, "what we write opens");
		must(play(reader, NULL, &again) == sum && again == frames, "what we write reads the same");
		pmd_reader_close(reader);
	}
	close(in_fd);
	close(out_fd);
	return 0;
}
