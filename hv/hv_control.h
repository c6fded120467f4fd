/**
 * Control socket: 4-byte big-endian length, then JSON, both ways. Included by hv/ and its tests; main thread.
 *
 * To each client, once the guest is ready, with memfd S (read only) as SCM_RIGHTS:
 *   {"abi":1,"runtime":"kvm","pid":N,"boot_us":N,"heartbeat_us":N,"state":"ready"}
 * and when it ends: {"event":"exit","code":N}. From a client: {"command":"stop"} or {"command":"drain"}.
 */
#ifndef HV_CONTROL_H
#define HV_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HV_CONTROL_CLIENTS 8u
#define HV_CONTROL_MESSAGE 256u /* bytes of one message from a client, the length not counted */

enum hv_command {
	HV_COMMAND_NONE,
	HV_COMMAND_STOP,
	HV_COMMAND_DRAIN,
	HV_COMMAND_WRONG, /* the client is to be dropped */
};

struct hv_control_client {
	int sock; /* -1: free */
	bool greeted;
	uint32_t input_size;
	uint8_t input[4 + HV_CONTROL_MESSAGE];
};

struct hv_control_server {
	struct hv_control_client client[HV_CONTROL_CLIENTS];
	char hello[HV_CONTROL_MESSAGE]; /* empty until the guest is ready */
	int shared_fd;
};

void hv_control_init(struct hv_control_server *server, int shared_fd);

/** Take a connection; one too many is closed. */
void hv_control_accept(struct hv_control_server *server, int listener);

/** The guest is ready: greet all clients, now and later. */
void hv_control_ready(struct hv_control_server *server, const char *runtime, int pid, uint64_t boot_us,
	uint64_t heartbeat_us);

/** A client is readable. A client that breaks the protocol or leaves is closed. */
enum hv_command hv_control_readable(struct hv_control_client *client);

/** Tell all clients the exit code and close them. */
void hv_control_exit(struct hv_control_server *server, int code);

/** Parse one message: a JSON object with the one member "command". */
enum hv_command hv_control_parse(const uint8_t *json, size_t size);

#endif
