#version 330 core
// Letters of a panel, in their colours. Comes out premultiplied.

uniform sampler2D letters;  // coverage, all letters side by side

in vec2 place;
flat in vec3 ink;

layout(location = 0) out vec4 colour;

void main() {
    colour = vec4(ink, 1.0) * texelFetch(letters, ivec2(place), 0).r;
}
