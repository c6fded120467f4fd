#include "nsh_parse.h"

const char *
nsh_verdict_name(enum nsh_verdict verdict)
{
	switch (verdict) {
	case NSH_OK:
		return "nsh-ok";
	case NSH_TRUNCATED:
		return "nsh-truncated";
	case NSH_VERSION:
		return "nsh-version";
	case NSH_MD_TYPE:
		return "nsh-md-type";
	case NSH_LENGTH:
		return "nsh-length";
	}
	return "nsh-unknown";
}
