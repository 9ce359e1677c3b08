#version 330 core
// The picture within its edges as it lies on what it is projected onto: one sample a pixel, for machines without a GPU.

uniform sampler2D picture;  // clamped; bilinear, or nearest where pixels lie on pixels
#ifdef MASKED
uniform sampler2D mask;     // black hides; over the whole screen
uniform vec2 target_size;   // pixels
#endif
uniform float gamma;        // used by BENT

in vec2 drawn;

layout(location = 0) out vec4 colour;

void main() {
    colour = vec4(texture(picture, drawn).rgb, 1.0);
#ifdef BENT
    colour.rgb = pow(colour.rgb, vec3(1.0 / gamma));
#endif
#ifdef MASKED
    colour.rgb *= texture(mask, gl_FragCoord.xy / target_size).r;
#endif
}
