/* The runner with guests in virtual machines. */
#define RUNTIME "kvm"
#define IS_KVM  1
#include "run_cases.h"
