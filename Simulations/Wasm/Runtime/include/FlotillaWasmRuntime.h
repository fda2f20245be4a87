#ifndef FLOTILLA_WASM_RUNTIME_H
#define FLOTILLA_WASM_RUNTIME_H

// The last characters that a trap printed before it trapped (debug builds only), for the host to
// read out of the memory: a ring whose next free place is flotilla_console_next.
enum { FLOTILLA_CONSOLE_SIZE = 1024 };
extern char flotilla_console[FLOTILLA_CONSOLE_SIZE];
extern unsigned flotilla_console_next;

#endif
