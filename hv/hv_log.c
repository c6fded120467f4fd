#include "hv.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void
hv_error(const char *format, ...)
{
	char line[1024] = "hv: ";
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(line + 4, sizeof(line) - 5, format, args);
	va_end(args);
	if (size < 0)
		return;
	size = 4 + (size > (int)sizeof(line) - 6 ? (int)sizeof(line) - 6 : size);
	line[size++] = '\n';
	/* One write: lines of several runners on one terminal do not mix. Nothing helps if it fails. */
	if (write(STDERR_FILENO, line, (size_t)size) < 0)
		return;
}

uint64_t
hv_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
