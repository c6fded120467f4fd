#include "hv_control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hv_abi.h"
#include "hv_socket.h"

static void
drop(struct hv_control_client *client)
{
	close(client->sock);
	client->sock = -1;
}

static void
send_text(struct hv_control_client *client, const char *text, int fd)
{
	uint8_t message[4 + HV_CONTROL_MESSAGE];
	size_t size = strlen(text);
	uint32_t length = htonl((uint32_t)size);

	memcpy(message, &length, sizeof(length));
	memcpy(message + 4, text, size);
	if (hv_socket_send(client->sock, message, 4 + size, fd) < 0)
		drop(client); /* it does not read: the runner waits for nobody */
}

static void
greet(struct hv_control_server *server, struct hv_control_client *client)
{
	if (server->hello[0] == '\0' || client->greeted)
		return;
	client->greeted = true;
	send_text(client, server->hello, server->shared_fd);
}

void
hv_control_init(struct hv_control_server *server, int shared_fd)
{
	*server = (struct hv_control_server){.shared_fd = shared_fd};
	for (uint32_t i = 0; i < HV_CONTROL_CLIENTS; i++)
		server->client[i].sock = -1;
}

void
hv_control_accept(struct hv_control_server *server, int listener)
{
	int sock = hv_socket_accept(listener);

	if (sock < 0)
		return;
	for (uint32_t i = 0; i < HV_CONTROL_CLIENTS; i++) {
		struct hv_control_client *client = &server->client[i];

		if (client->sock < 0) {
			*client = (struct hv_control_client){.sock = sock};
			greet(server, client);
			return;
		}
	}
	close(sock);
}

void
hv_control_ready(struct hv_control_server *server, const char *runtime, int pid, uint64_t boot_us,
	uint64_t heartbeat_us)
{
	snprintf(server->hello, sizeof(server->hello),
		"{\"abi\":%d,\"runtime\":\"%s\",\"pid\":%d,\"boot_us\":%llu,\"heartbeat_us\":%llu,"
		"\"state\":\"ready\"}",
		HV_ABI_VERSION, runtime, pid, (unsigned long long)boot_us, (unsigned long long)heartbeat_us);
	for (uint32_t i = 0; i < HV_CONTROL_CLIENTS; i++)
		if (server->client[i].sock >= 0)
			greet(server, &server->client[i]);
}

/* Step over white space, then over `text`; NULL when it is not there. */
static const char *
expect(const char *at, const char *text)
{
	if (at == NULL)
		return NULL;
	at += strspn(at, " \t\r\n");
	return strncmp(at, text, strlen(text)) == 0 ? at + strlen(text) : NULL;
}

enum hv_command
hv_control_parse(const uint8_t *json, size_t size)
{
	static const struct {
		const char *name;
		enum hv_command command;
	} commands[] = {{"\"stop\"", HV_COMMAND_STOP}, {"\"drain\"", HV_COMMAND_DRAIN}};
	char text[HV_CONTROL_MESSAGE + 1];
	const char *at;

	if (size > HV_CONTROL_MESSAGE)
		return HV_COMMAND_WRONG;
	memcpy(text, json, size);
	text[size] = '\0';
	at = expect(expect(expect(text, "{"), "\"command\""), ":");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *end = expect(expect(at, commands[i].name), "}");
		if (end != NULL && end + strspn(end, " \t\r\n") == text + size)
			return commands[i].command;
	}
	return HV_COMMAND_WRONG;
}

enum hv_command
hv_control_readable(struct hv_control_client *client)
{
	uint32_t want = 4, length = 0;
	int got;

	if (client->input_size >= 4) {
		memcpy(&length, client->input, sizeof(length));
		want = 4 + ntohl(length); /* checked when it came */
	}
	got = hv_socket_recv(client->sock, client->input + client->input_size, want - client->input_size);
	if (got == -EAGAIN || got == -EINTR)
		return HV_COMMAND_NONE;
	if (got <= 0) {
		drop(client);
		return HV_COMMAND_NONE;
	}
	client->input_size += (uint32_t)got;
	if (client->input_size < want)
		return HV_COMMAND_NONE;
	if (want == 4) {
		memcpy(&length, client->input, sizeof(length));
		length = ntohl(length);
		if (length > 0 && length <= HV_CONTROL_MESSAGE)
			return HV_COMMAND_NONE;
		drop(client);
		return HV_COMMAND_WRONG;
	}
	client->input_size = 0;
	enum hv_command command = hv_control_parse(client->input + 4, want - 4);
	if (command == HV_COMMAND_WRONG)
		drop(client);
	return command;
}

void
hv_control_exit(struct hv_control_server *server, int code)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"event\":\"exit\",\"code\":%d}", code);
	for (uint32_t i = 0; i < HV_CONTROL_CLIENTS; i++) {
		struct hv_control_client *client = &server->client[i];

		if (client->sock >= 0)
			send_text(client, text, -1);
		if (client->sock >= 0)
			drop(client);
	}
}
