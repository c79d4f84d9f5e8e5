#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

// Asks for the TXT records of a name, as the system's resolver is configured, or a server at an
// IPv4 address (network order; 0: as configured). Returns the length of the answer, which may be
// larger than the buffer, or -1. The interfaces of the library are macros, which Swift cannot call.
static inline int resolver_query_txt(
    const char *name, unsigned int server, unsigned short port, unsigned char *answer,
    int capacity) {
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) return -1;
    if (server != 0) {
        state.nscount = 1;
        state.nsaddr_list[0].sin_family = AF_INET;
        state.nsaddr_list[0].sin_addr.s_addr = server;
        state.nsaddr_list[0].sin_port = htons(port);
    }
    state.retrans = 2;
    state.retry = 2;
    int length = res_nquery(&state, name, ns_c_in, ns_t_txt, answer, capacity);
    res_nclose(&state);
    return length;
}
