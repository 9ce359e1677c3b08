#version 330 core
// A panel of letters, drawn over the picture: each cell is a letter of the atlas in one of a few colours.
// Comes out premultiplied, so that the window itself stays opaque where a desktop composes windows by their alpha.

uniform sampler2D letters;   // coverage, all letters side by side
uniform usampler2D cells;    // which letter, in which colour; top row first
uniform vec2 cell;           // pixels
uniform vec2 corner;         // top left of the panel, pixels from the target's lower left
uniform vec3 colours[5];

layout(location = 0) out vec4 colour;

const vec3 GROUND = vec3(0.035, 0.04, 0.045);
const float OPACITY = 0.9;  // the dance is still seen, and letters have a contrast of 10:1 over white

void main() {
    vec2 place = vec2(gl_FragCoord.x - corner.x, corner.y - gl_FragCoord.y);
    vec2 at = floor(place / cell);
    uvec2 letter = texelFetch(cells, ivec2(at), 0).rg;
    vec2 inside = place - at * cell;
    float coverage = texelFetch(letters, ivec2(inside.x + float(letter.r) * cell.x, inside.y), 0).r;
    float opacity = mix(OPACITY, 1.0, coverage);
    colour = vec4(mix(GROUND * OPACITY, colours[letter.g], coverage), opacity);
}
