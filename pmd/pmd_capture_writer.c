#include "pmd_capture_file.h"

#include "pmd_priv.h"

#include <pcap/pcap.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITE_BUFFER (256u * 1024)

/* pcapng blocks, draft-ietf-opsawg-pcapng 4.1 to 4.3. libpcap reads the format but cannot write it. Written
 * in the byte order of this machine, which the section header names. */
#define NG_SECTION        0x0a0d0d0au
#define NG_INTERFACE      1u
#define NG_PACKET         6u
#define NG_ORDER          0x1a2b3c4du
#define NG_OPTION_TSRESOL 9u
#define NG_NANOSECONDS    9u /* if_tsresol: 10^-9 s */
#define NG_LINK_ETHERNET  1u
#define NG_PADDED(size)   (((size) + 3u) & ~3u)

struct ng_start {
	uint32_t section_type;
	uint32_t section_size;
	uint32_t order;
	uint16_t major;
	uint16_t minor;
	uint64_t section_length; /* all ones: not said */
	uint32_t section_size_end;
	uint32_t interface_type;
	uint32_t interface_size;
	uint16_t link_type;
	uint16_t reserved;
	uint32_t snaplen; /* 0: no limit */
	uint16_t option;
	uint16_t option_size;
	uint8_t tsresol[4]; /* one byte and padding */
	uint32_t end_of_options;
	uint32_t interface_size_end;
} __attribute__((packed));

struct ng_packet {
	uint32_t type;
	uint32_t size;
	uint32_t interface;
	uint32_t stamp_high;
	uint32_t stamp_low;
	uint32_t captured;
	uint32_t original;
};

static_assert(sizeof(struct ng_start) == 28 + 32, "a section header and an interface with one option");
static_assert(sizeof(struct ng_packet) == 28, "fixed part of an enhanced packet block");

struct pmd_writer {
	char *path;
	bool ng;
	int error; /* first failure, errno */
	struct stat st;
	FILE *stream;
	pcap_t *pcap;
	pcap_dumper_t *dumper; /* owns the stream then */
	char buffer[WRITE_BUFFER];
};

static int
note_error(struct pmd_writer *w)
{
	if (w->error == 0)
		w->error = errno != 0 ? errno : EIO;
	return w->error;
}

static bool
ends_in_pcapng(const char *path)
{
	size_t size = strlen(path);

	return size >= 7 && strcmp(path + size - 7, ".pcapng") == 0;
}

static int
write_start(struct pmd_writer *w)
{
	static const struct ng_start start = {
		.section_type = NG_SECTION,
		.section_size = 28,
		.order = NG_ORDER,
		.major = 1,
		.section_length = UINT64_MAX,
		.section_size_end = 28,
		.interface_type = NG_INTERFACE,
		.interface_size = 32,
		.link_type = NG_LINK_ETHERNET,
		.option = NG_OPTION_TSRESOL,
		.option_size = 1,
		.tsresol = {NG_NANOSECONDS},
		.interface_size_end = 32,
	};

	if (w->ng)
		return fwrite(&start, sizeof(start), 1, w->stream) == 1 ? 0 : -note_error(w);
	w->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, PMD_FRAME_MAX, PCAP_TSTAMP_PRECISION_NANO);
	if (w->pcap == NULL)
		return -ENOMEM;
	w->dumper = pcap_dump_fopen(w->pcap, w->stream);
	return w->dumper != NULL ? 0 : -note_error(w);
}

int
pmd_writer_open(const char *path, bool (*refuse)(void *arg, const struct stat *file), void *arg,
	struct pmd_writer **out, char *err, int err_size)
{
	int rc;
	int fd = -1;
	struct pmd_writer *w = calloc(1, sizeof(*w));
	if (w == NULL || (w->path = strdup(path)) == NULL) {
		free(w);
		return pmd_fail(-ENOMEM, err, err_size, "%s: no memory", path);
	}
	w->ng = ends_in_pcapng(path);

	/* To open a named pipe waits for its reader. */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
	if (fd < 0 && errno == ENXIO) {
		rc = pmd_fail(-ENXIO, err, err_size, "%s: a pipe that nobody reads", path);
		goto fail;
	}
	if (fd < 0 || fstat(fd, &w->st) != 0 || fcntl(fd, F_SETFL, 0) != 0) {
		rc = pmd_fail(-errno, err, err_size, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (refuse != NULL && refuse(arg, &w->st)) {
		rc = pmd_fail(-EEXIST, err, err_size, "%s: is read or written by another port", path);
		goto fail;
	}
	if (S_ISREG(w->st.st_mode) && ftruncate(fd, 0) != 0) {
		rc = pmd_fail(-errno, err, err_size, "%s: %s", path, strerror(errno));
		goto fail;
	}
	w->stream = fdopen(fd, "w");
	if (w->stream == NULL) {
		rc = pmd_fail(-ENOMEM, err, err_size, "%s: no memory", path);
		goto fail;
	}
	fd = -1;
	setvbuf(w->stream, w->buffer, _IOFBF, sizeof(w->buffer));
	__fsetlocking(w->stream, FSETLOCKING_BYCALLER);
	rc = write_start(w);
	if (rc < 0) {
		pmd_fail(rc, err, err_size, "%s: %s", path, strerror(-rc));
		goto fail;
	}
	*out = w;
	return 0;
fail:
	if (fd >= 0)
		close(fd);
	pmd_writer_close(w);
	return rc;
}

static void
add_ng(struct pmd_writer *w, uint64_t stamp_ns, const void *bytes, uint32_t size)
{
	static const uint8_t zero[3];
	uint32_t total = (uint32_t)sizeof(struct ng_packet) + NG_PADDED(size) + 4;
	struct ng_packet head = {
		.type = NG_PACKET,
		.size = total,
		.stamp_high = (uint32_t)(stamp_ns >> 32),
		.stamp_low = (uint32_t)stamp_ns,
		.captured = size,
		.original = size,
	};

	fwrite_unlocked(&head, sizeof(head), 1, w->stream);
	fwrite_unlocked(bytes, size, 1, w->stream);
	fwrite_unlocked(zero, NG_PADDED(size) - size, 1, w->stream);
	fwrite_unlocked(&total, sizeof(total), 1, w->stream);
}

int
pmd_writer_add(struct pmd_writer *w, uint64_t stamp_ns, const void *bytes, uint32_t size)
{
	if (w->error != 0)
		return w->error;
	errno = 0;
	if (w->ng) {
		add_ng(w, stamp_ns, bytes, size);
	} else {
		struct pcap_pkthdr hdr = {
			/* With this precision libpcap takes nanoseconds in tv_usec. */
			.ts = {.tv_sec = (time_t)(stamp_ns / 1000000000u),
				.tv_usec = (suseconds_t)(stamp_ns % 1000000000u)},
			.caplen = size,
			.len = size,
		};
		pcap_dump((u_char *)w->dumper, &hdr, bytes);
	}
	return ferror_unlocked(w->stream) ? note_error(w) : 0;
}

int
pmd_writer_flush(struct pmd_writer *w)
{
	errno = 0;
	if (w->error == 0 && fflush(w->stream) != 0)
		note_error(w);
	return -w->error;
}

const char *
pmd_writer_path(const struct pmd_writer *w)
{
	return w->path;
}

const struct stat *
pmd_writer_stat(const struct pmd_writer *w)
{
	return &w->st;
}

int
pmd_writer_close(struct pmd_writer *w)
{
	int rc;

	if (w == NULL)
		return 0;
	if (w->stream != NULL) {
		errno = 0;
		if (fflush(w->stream) != 0)
			note_error(w);
		if (w->dumper != NULL)
			pcap_dump_close(w->dumper);
		else
			fclose(w->stream);
	}
	if (w->pcap != NULL)
		pcap_close(w->pcap);
	rc = -w->error;
	free(w->path);
	free(w);
	return rc;
}
