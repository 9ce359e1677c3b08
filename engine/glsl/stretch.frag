#version 330 core
// A picture shown whole over a target of another size.

uniform sampler2D picture;  // bilinear
uniform vec2 target_size;   // pixels

layout(location = 0) out vec4 colour;

void main() {
    colour = texture(picture, gl_FragCoord.xy / target_size);
#ifndef ALPHA
    colour.a = 1.0;  // a desktop may compose its windows by their alpha
#endif
}
