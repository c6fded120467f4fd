/* The runner with the same guests as sandboxed processes. */
#define RUNTIME "process"
#define IS_KVM  0
#include "run_cases.h"
