#version 330 core
// The letters of a panel, each a box of four vertices: where there are none, nothing is drawn.

uniform vec2 grid;          // columns and rows of the panel, which the viewport covers
uniform vec2 cell;          // of a letter, pixels
uniform vec3 colours[5];

in uvec4 letter;            // column, row, place in the atlas, colour

out vec2 place;             // in the atlas, pixels
flat out vec3 ink;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 at = (vec2(letter.xy) + corner) / grid;
    gl_Position = vec4(2.0 * at.x - 1.0, 1.0 - 2.0 * at.y, 0.0, 1.0);
    place = (vec2(letter.z, 0.0) + corner) * cell;
    ink = colours[letter.w];
}
