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

/* Large enough that the system call of a refill is noise beside the frames of a buffer. */
#define READ_BUFFER (256u * 1024)

/* Classic pcap file header (draft-ietf-opsawg-pcap, 4): the snap length is the 32-bit word at byte 16. */
#define PCAP_SNAPLEN_AT    16u
#define PCAP_HEADER_SIZE   24u
#define PCAP_MAGIC_MICRO   0xa1b2c3d4u
#define PCAP_MAGIC_NANO    0xa1b23c4du
#define PCAP_SNAPLEN_LARGE 262144u /* libpcap's own limit for Ethernet records */

struct pmd_reader {
	char *path;
	int fd;
	struct stat st;
	bool classic;    /* pcap, not pcapng: seconds are 32 bits without sign */
	uint64_t offset; /* in the file, of the next refill */
	uint64_t bytes;  /* over all loops; read by other threads */
	uint64_t frames; /* records seen in this loop */
	uint64_t skipped;
	FILE *stream;
	pcap_t *pcap;
	bool ended;
	char buffer[READ_BUFFER]; /* of the stream */
};

/* libpcap cuts a record to the snap length of the file header without a word. A header that says less than
 * its records hold would change frames, so libpcap is shown the largest one. */
static void
raise_snaplen(struct pmd_reader *r, uint8_t *buf, size_t size)
{
	uint32_t magic;

	if (size < sizeof(magic))
		return;
	memcpy(&magic, buf, sizeof(magic));
	bool swapped =
		magic == __builtin_bswap32(PCAP_MAGIC_MICRO) || magic == __builtin_bswap32(PCAP_MAGIC_NANO);
	r->classic = swapped || magic == PCAP_MAGIC_MICRO || magic == PCAP_MAGIC_NANO;
	if (r->classic && size >= PCAP_HEADER_SIZE) {
		uint32_t snaplen = swapped ? __builtin_bswap32(PCAP_SNAPLEN_LARGE) : PCAP_SNAPLEN_LARGE;
		memcpy(buf + PCAP_SNAPLEN_AT, &snaplen, sizeof(snaplen));
	}
}

static ssize_t
stream_read(void *cookie, char *buf, size_t size)
{
	struct pmd_reader *r = cookie;
	ssize_t n;

	do
		n = read(r->fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if (r->offset == 0)
		raise_snaplen(r, (uint8_t *)buf, (size_t)n);
	r->offset += (uint64_t)n;
	__atomic_fetch_add(&r->bytes, (uint64_t)n, __ATOMIC_RELAXED);
	return n;
}

/* Open libpcap on the start of the file. */
static int
start(struct pmd_reader *r, char *err, int err_size)
{
	char reason[PCAP_ERRBUF_SIZE] = "";

	r->offset = 0;
	r->frames = 0;
	r->ended = false;
	r->stream = fopencookie(r, "r", (cookie_io_functions_t){.read = stream_read});
	if (r->stream == NULL)
		return pmd_fail(-ENOMEM, err, err_size, "%s: no memory", r->path);
	setvbuf(r->stream, r->buffer, _IOFBF, sizeof(r->buffer));
	__fsetlocking(r->stream, FSETLOCKING_BYCALLER);
	r->pcap = pcap_fopen_offline_with_tstamp_precision(r->stream, PCAP_TSTAMP_PRECISION_NANO, reason);
	if (r->pcap == NULL) {
		int rc = ferror(r->stream) ? -EIO : -EINVAL;
		fclose(r->stream);
		r->stream = NULL;
		return pmd_fail(rc, err, err_size, "%s: %s", r->path, reason);
	}
	int link = pcap_datalink(r->pcap);
	if (link != DLT_EN10MB) {
		const char *name = pcap_datalink_val_to_name(link);
		char number[16];
		snprintf(number, sizeof(number), "%d", link);
		return pmd_fail(-EINVAL, err, err_size, "%s: link type %s is not Ethernet", r->path,
			name != NULL ? name : number);
	}
	return 0;
}

static void
stop(struct pmd_reader *r)
{
	if (r->pcap != NULL)
		pcap_close(r->pcap); /* closes the stream */
	r->pcap = NULL;
	r->stream = NULL;
}

static const char *
kind_of(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a pipe" : "a device";
}

int
pmd_reader_open(const char *path, struct pmd_reader **out, char *err, int err_size)
{
	int rc;
	struct pmd_reader *r = calloc(1, sizeof(*r));
	if (r == NULL || (r->path = strdup(path)) == NULL) {
		free(r);
		return pmd_fail(-ENOMEM, err, err_size, "%s: no memory", path);
	}

	/* To open a named pipe waits for its writer, and to read one waits for what it writes. */
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (r->fd < 0 || fstat(r->fd, &r->st) != 0) {
		rc = pmd_fail(-errno, err, err_size, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (!S_ISREG(r->st.st_mode)) {
		rc = pmd_fail(S_ISDIR(r->st.st_mode) ? -EISDIR : -ESPIPE, err, err_size,
			"%s: is no file but %s", path, kind_of(r->st.st_mode));
		goto fail;
	}
	rc = start(r, err, err_size);
	if (rc < 0)
		goto fail;
	*out = r;
	return 0;
fail:
	pmd_reader_close(r);
	return rc;
}

int
pmd_reader_rewind(struct pmd_reader *r, char *err, int err_size)
{
	stop(r);
	r->ended = true;
	if (lseek(r->fd, 0, SEEK_SET) < 0)
		return pmd_fail(-errno, err, err_size, "%s: %s", r->path, strerror(errno));
	return start(r, err, err_size);
}

int
pmd_reader_next(struct pmd_reader *r, struct pmd_record *record, char *err, int err_size)
{
	if (r->ended || r->pcap == NULL)
		return 0;
	for (;;) {
		struct pcap_pkthdr *hdr;
		const u_char *bytes;
		int rc = pcap_next_ex(r->pcap, &hdr, &bytes);

		if (rc == PCAP_ERROR_BREAK) { /* the end of the file */
			r->ended = true;
			return 0;
		}
		if (rc != 1) {
			r->ended = true;
			return pmd_fail(-EIO, err, err_size, "%s: frame %" PRIu64 ": %s", r->path,
				r->frames + 1, pcap_geterr(r->pcap));
		}
		r->frames++;
		if (hdr->caplen == 0 || hdr->caplen > PMD_FRAME_MAX) {
			__atomic_fetch_add(&r->skipped, 1, __ATOMIC_RELAXED);
			continue;
		}
		/* libpcap gives the 32-bit fields of a classic record with a sign they do not have. */
		uint64_t sec = (uint64_t)hdr->ts.tv_sec;
		if (r->classic)
			sec = (uint32_t)sec;
		record->stamp_ns = sec * 1000000000u + (uint32_t)hdr->ts.tv_usec;
		record->bytes = bytes;
		record->size = hdr->caplen;
		return 1;
	}
}

uint64_t
pmd_reader_skipped(const struct pmd_reader *r)
{
	return __atomic_load_n(&r->skipped, __ATOMIC_RELAXED);
}

uint64_t
pmd_reader_bytes(const struct pmd_reader *r)
{
	return __atomic_load_n(&r->bytes, __ATOMIC_RELAXED);
}

const struct stat *
pmd_reader_stat(const struct pmd_reader *r)
{
	return &r->st;
}

void
pmd_reader_close(struct pmd_reader *r)
{
	if (r == NULL)
		return;
	stop(r);
	if (r->fd >= 0)
		close(r->fd);
	free(r->path);
	free(r);
}
