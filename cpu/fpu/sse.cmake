# MMX, SSE, AVX, AES, SHA: included by CMakeLists.txt.
target_sources(cpu PRIVATE sse_int.c sse_move.c sse_fp.c sse_cvt.c sse_str.c aes.c avx.c fma.c sha.c now3d.c)
ringside_test(sse_test sse_test.c LIBS cpu m)
