#version 330 core
// A picture laid over another of the same size, as far as it is to be seen; a single pixel covers all of it.

uniform sampler2D picture;
uniform vec2 target_size;  // pixels
uniform float share;       // 0..1

layout(location = 0) out vec4 colour;

void main() {
    vec2 place = gl_FragCoord.xy / target_size * vec2(textureSize(picture, 0));
    colour = vec4(texelFetch(picture, ivec2(place), 0).rgb, share);
}
