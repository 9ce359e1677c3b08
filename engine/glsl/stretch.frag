#version 330 core
// A picture shown whole over a target of another size.

uniform sampler2D picture;  // bilinear
uniform vec2 target_size;   // pixels

layout(location = 0) out vec4 colour;

void main() {
    colour = vec4(texture(picture, gl_FragCoord.xy / target_size).rgb, 1.0);
}
