/*
 * command.h: `ringside lesson ...`.
 */
#ifndef FRONTEND_LESSON_COMMAND_H
#define FRONTEND_LESSON_COMMAND_H

/* `words`: what follows `lesson`. Returns the exit status. */
int lesson_command(int count, char **words);

#endif
