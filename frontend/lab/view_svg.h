/*
 * view_svg.h: pages as pictures (SVG) and as text for a browser (HTML). Both stand alone: nothing is fetched.
 */
#ifndef FRONTEND_LAB_VIEW_SVG_H
#define FRONTEND_LAB_VIEW_SVG_H

#include "frontend/lab/view.h"

/* One <svg> element, for a file of its own or in the midst of HTML. `title` is its accessible name; may be NULL. */
void view_svg(const struct view *view, const char *title, FILE *out);

/* One <pre class="lab"> element. Its classes' meanings are in view_html_style(), which a page wants once, in its <style>. */
void view_html(const struct view *view, FILE *out);
void view_html_style(FILE *out);

/* Text with what XML and HTML want escaped; letters that they do not allow become U+FFFD. */
void view_escape(const char *text, FILE *out);

#endif
