#include "sfc_drop.h"

#include <stddef.h>

static const struct {
	const char *name;
	const char *help;
} drops[SFC_DROP_MAX] = {
#define X(symbol, name, help) [SFC_DROP_##symbol] = {name, help},
	SFC_DROPS(X)
#undef X
};

const char *
sfc_drop_name(enum sfc_drop reason)
{
	return (size_t)reason < SFC_DROP_MAX ? drops[reason].name : "unknown";
}

const char *
sfc_drop_help(enum sfc_drop reason)
{
	return (size_t)reason < SFC_DROP_MAX ? drops[reason].help : "not a drop reason";
}
