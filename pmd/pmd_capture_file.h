/**
 * Capture files, one at a time: records in, records out. Included by the capture port, its tests and its fuzz
 * target. Needs no EAL.
 *
 * libpcap parses what is read; every record is checked here once more before anything above sees it.
 */
#ifndef PMD_CAPTURE_FILE_H
#define PMD_CAPTURE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* One record. The bytes stay valid until the next call on its reader. */
struct pmd_record {
	uint64_t stamp_ns; /* since 1970 */
	const uint8_t *bytes;
	uint32_t size; /* captured bytes, 1..65,535 */
};

struct pmd_reader;

/**
 * Open a pcap (micro- or nanoseconds, either byte order) or pcapng file of Ethernet frames.
 *
 * Never waits: what is no file (a pipe, a device) is refused.
 *
 * @param err  "FILE: reason".
 * @return     0, -errno of the open, -EISDIR, -ESPIPE, or -EINVAL for what is no Ethernet capture.
 */
int pmd_reader_open(const char *path, struct pmd_reader **reader, char *err, int err_size);

/**
 * The next record that can be a frame. Records of length 0 or above 65,535 are counted and skipped; one that
 * the capture cut short (snap length) is given as captured.
 *
 * @param err  when damaged: "FILE: frame N: reason", N counted from 1.
 * @return     1 = record, 0 = end of file, -EIO = damaged; the reader stays at its end then.
 */
int pmd_reader_next(struct pmd_reader *reader, struct pmd_record *record, char *err, int err_size);

/** Start over. 0, or -errno with "FILE: reason". */
int pmd_reader_rewind(struct pmd_reader *reader, char *err, int err_size);

/** Records skipped so far. Thread: any; relaxed. */
uint64_t pmd_reader_skipped(const struct pmd_reader *reader);
/** Bytes read so far over all loops, to a buffer's precision. Thread: any; relaxed. */
uint64_t pmd_reader_bytes(const struct pmd_reader *reader);
/** What fstat says of the open file. */
const struct stat *pmd_reader_stat(const struct pmd_reader *reader);
void pmd_reader_close(struct pmd_reader *reader);

struct pmd_writer;

/**
 * Create or truncate a capture file: pcapng when the name ends in .pcapng, else pcap; nanoseconds in both.
 *
 * @param refuse  called with the file's identity before it is truncated; true = leave it alone (-EEXIST). May
 *                be NULL.
 * @param err     "FILE: reason".
 */
int pmd_writer_open(const char *path, bool (*refuse)(void *arg, const struct stat *file), void *arg,
	struct pmd_writer **writer, char *err, int err_size);

/**
 * Add one frame. Buffered.
 *
 * @return  0, or the errno of this or an earlier failure: nothing is written after the first one.
 */
int pmd_writer_add(struct pmd_writer *writer, uint64_t stamp_ns, const void *bytes, uint32_t size);

/** Write out what is buffered. 0, or the first failure as -errno. */
int pmd_writer_flush(struct pmd_writer *writer);
const char *pmd_writer_path(const struct pmd_writer *writer);
const struct stat *pmd_writer_stat(const struct pmd_writer *writer);
/** Flush and close. 0, or the first failure as -errno. */
int pmd_writer_close(struct pmd_writer *writer);

#endif
