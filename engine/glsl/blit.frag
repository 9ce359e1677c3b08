#version 330 core
// A picture shown whole over the target. Their sizes differ for one frame only, while the window changes its own.

uniform sampler2D picture;
uniform vec2 target_size;  // pixels

layout(location = 0) out vec4 colour;

void main() {
    vec2 place = gl_FragCoord.xy / target_size * vec2(textureSize(picture, 0));
    colour = vec4(texelFetch(picture, ivec2(place), 0).rgb, 1.0);  // half the time of a filtered sample, without a GPU
}
