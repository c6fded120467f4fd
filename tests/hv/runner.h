/**
 * Starting the program hv and looking at it from outside. Included by the tests and the bench of the runner.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RUNNER_MAX_ARGS 32

struct runner {
	pid_t pid;
	int errors; /* read end of its stderr */
	char folder[32];
	char net[64]; /* its sockets, in the folder */
	char control[64];
};

/** Make the folder. 0 or -1. */
int runner_init(struct runner *r);

/** Remove the folder and what is in it. */
void runner_fini(struct runner *r);

/** Start `hv` with exactly these arguments, NULL at the end. 0 or -1. */
int runner_spawn(struct runner *r, const char *hv, const char *const *args);

/** Start `hv run IMAGE --memory 4 --runtime RUNTIME` on the folder's sockets with further options, NULL at
 * the end. */
int runner_start(
	struct runner *r, const char *hv, const char *image, const char *runtime, const char *const *options);

/** Wait for the end. @return exit code, -signal, or -1000 when it takes longer. `text` gets its stderr. */
int runner_wait(struct runner *r, unsigned int timeout_ms, char *text, size_t size);

/** Connect to a unix socket, trying for two seconds. -1 when nobody listens. */
int runner_connect(const char *path);

/**
 * Receive one control message within two seconds.
 *
 * @param fd  gets the passed descriptor, -1 for none; may be NULL.
 * @return    bytes of text, 0 at the end, -1 on silence.
 */
int runner_receive(int sock, char *text, size_t size, int *fd);

/** Send one control message. 0 or -1. */
int runner_send(int sock, const char *text);

/** A number of a JSON text, -1 when it is not there. */
long runner_number(const char *text, const char *name);

/** True when no process `pid` is left within a second (a zombie counts as gone if it is not ours). */
bool runner_gone(pid_t pid);

/** First child of a process, -1 for none. */
pid_t runner_child(pid_t pid);

/**
 * Play a vhost-user back end up to running rings (what rte_vhost answers), then keep the connection.
 *
 * @return  0 when the front end has enabled all queues, or -1.
 */
int runner_back_end(int sock, unsigned int queues);

#endif
